/** Offers of a strategy's form only the tasks that its algorithm fits. Pure. */
import type { FieldNode } from '../../forms/schema';

/** The form with the alternatives of `environment` that are in `tasks`; unchanged where nothing is known or nothing would be left. */
export function fitting(node: FieldNode, tasks: string[] | undefined): FieldNode {
  if (node.kind !== 'object' || tasks === undefined) return node;
  const fields = node.fields.map(([name, field]): [string, FieldNode] => {
    if (name !== 'environment' || field.kind !== 'variants') return [name, field];
    const variants = field.variants.filter((variant) => tasks.includes(variant.value));
    return [name, variants.length > 0 ? { ...field, variants } : field];
  });
  return { ...node, fields };
}
