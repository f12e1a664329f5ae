/** Settings of a session that runs a trained model, found by the shape of the schema: wherever a session is asked for. */
import type { Config } from '../../api/strategies';
import { defaultsOf, type FieldNode } from '../../forms/schema';

/** How the identifier of a session begins, as the schema's pattern says it. */
export const SESSION_PATTERN = '^ses_';

type Fields = [string, FieldNode][];

/** Whether a field wants a session, or a list of them. */
function wantsSession(node: FieldNode): boolean {
  if (node.kind === 'text') return node.pattern?.startsWith(SESSION_PATTERN) === true;
  return node.kind === 'items' && wantsSession(node.item);
}

/** The values of fields in which each that wants a session has this one. */
function filledIn(fields: Fields, session: string): Config {
  const values = fields.filter(([, node]) => wantsSession(node)).map(([name, node]): [string, unknown] => [name, node.kind === 'items' ? [session] : session]);
  return Object.fromEntries(values);
}

/** The settings with `session` where a session is wanted: in the alternative that asks for one, or in a field of its own. */
export function withTrained(node: FieldNode | null, base: Config, session: string): Config {
  if (node?.kind !== 'object') return base;
  const changes: Config = {};
  for (const [name, field] of node.fields) {
    if (field.kind !== 'variants') continue;
    const variant = field.variants.find((each) => each.fields.some(([, inner]) => wantsSession(inner)));
    if (variant) changes[name] = { [field.tag]: variant.value, ...defaultsOf(variant.fields), ...filledIn(variant.fields, session) };
  }
  return { ...base, ...filledIn(node.fields, session), ...changes };
}
