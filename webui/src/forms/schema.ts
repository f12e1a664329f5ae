/** JSON Schema 2020-12 as far as our forms read it, resolved to plain nodes. Knows no configuration by name. */

/** A schema as the gateway sends it. */
export interface JsonSchema {
  $ref?: string;
  $defs?: Record<string, JsonSchema>;
  title?: string;
  description?: string;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  oneOf?: JsonSchema[];
  anyOf?: JsonSchema[];
  allOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minItems?: number;
  maxItems?: number;
  pattern?: string;
  format?: string;
  /** Read from files only: no form draws it. */
  'x-file-only'?: boolean;
}

/** One choice of an enumeration. */
export interface Choice {
  value: string;
  help: string | undefined;
}

interface Common {
  help: string | undefined;
  fallback: unknown;
  nullable: boolean;
}

export interface NumberNode extends Common {
  kind: 'number';
  integer: boolean;
  min: number | undefined;
  max: number | undefined;
}
export interface ListNode extends Common {
  kind: 'list';
  item: NumberNode;
}
/** A list whose entries are more than a number: objects, alternatives, texts or choices. */
export interface ItemsNode extends Common {
  kind: 'items';
  item: FieldNode;
  least: number;
  most: number | undefined;
}
export interface TextNode extends Common {
  kind: 'text';
  pattern: string | undefined;
}
export interface FlagNode extends Common {
  kind: 'flag';
}
export interface ChoiceNode extends Common {
  kind: 'choice';
  choices: Choice[];
}
export interface ObjectNode extends Common {
  kind: 'object';
  fields: [string, FieldNode][];
}
/** An object whose fields depend on the constant in `tag`. */
export interface VariantsNode extends Common {
  kind: 'variants';
  tag: string;
  variants: { value: string; help: string | undefined; fields: [string, FieldNode][] }[];
}
/** What no input is made for; shown as it is. */
export interface OtherNode extends Common {
  kind: 'other';
}
export type FieldNode = NumberNode | ListNode | ItemsNode | TextNode | FlagNode | ChoiceNode | ObjectNode | VariantsNode | OtherNode;

type Defs = Record<string, JsonSchema>;

/** Turns a root schema into nodes. */
export function readSchema(root: JsonSchema): FieldNode {
  return nodeOf(root, root.$defs ?? {});
}

/** Follows `$ref` and `allOf`; what stands beside them wins, properties are joined. */
function resolve(schema: JsonSchema, defs: Defs): JsonSchema {
  const parts: JsonSchema[] = [];
  if (schema.$ref) parts.push(resolve(defs[schema.$ref.replace('#/$defs/', '')] ?? {}, defs));
  for (const part of schema.allOf ?? []) parts.push(resolve(part, defs));
  if (parts.length === 0) return schema;
  const { $ref: _ref, allOf: _all, ...own } = schema;
  return [...parts, own].reduce<JsonSchema>((whole, part) => joined(whole, part), {});
}

function joined(base: JsonSchema, over: JsonSchema): JsonSchema {
  const next = { ...base, ...over };
  if (base.properties || over.properties) next.properties = { ...over.properties, ...base.properties, ...over.properties };
  return next;
}

function nodeOf(raw: JsonSchema, defs: Defs): FieldNode {
  const options = raw.anyOf ?? raw.oneOf;
  const real = options?.filter((option) => option.type !== 'null');
  if (options && real?.length === 1 && real[0] && options.length === 2) {
    const inner = nodeOf(real[0], defs);
    return { ...inner, nullable: true, help: raw.description ?? inner.help, fallback: raw.default ?? null };
  }
  const schema = resolve(raw, defs);
  const types = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? []);
  const common: Common = { help: schema.description, fallback: schema.default, nullable: types.includes('null') };
  const choices = choicesOf(schema);
  if (choices) return { ...common, kind: 'choice', choices };
  const variants = schema.oneOf ?? schema.anyOf;
  if (variants) return variantsOf(variants, defs, common, schema);
  if (schema.properties) return { ...common, kind: 'object', fields: fieldsOf(schema, defs, null) };
  if (types.includes('number') || types.includes('integer')) return numberOf(schema, types, common);
  if (types.includes('boolean')) return { ...common, kind: 'flag' };
  if (types.includes('array') && schema.items) {
    const item = nodeOf(schema.items, defs);
    if (item.kind === 'number') return { ...common, kind: 'list', item };
    return item.kind === 'other' ? { ...common, kind: 'other' } : { ...common, kind: 'items', item, least: schema.minItems ?? 0, most: schema.maxItems };
  }
  if (types.includes('string')) return { ...common, kind: 'text', pattern: schema.pattern };
  if (types.includes('object')) return { ...common, kind: 'object', fields: [] };
  return { ...common, kind: 'other' };
}

function numberOf(schema: JsonSchema, types: string[], common: Common): NumberNode {
  return {
    ...common,
    kind: 'number',
    integer: types.includes('integer'),
    min: schema.minimum ?? schema.exclusiveMinimum,
    max: schema.maximum ?? schema.exclusiveMaximum,
  };
}

/** An enumeration written as `enum` or as a list of constants with descriptions. */
function choicesOf(schema: JsonSchema): Choice[] | null {
  if (schema.enum?.every((value) => typeof value === 'string')) {
    return schema.enum.map((value) => ({ value: String(value), help: undefined }));
  }
  const options = schema.oneOf ?? schema.anyOf;
  if (!options || options.length === 0) return null;
  const choices: Choice[] = [];
  for (const option of options) {
    if (typeof option.const === 'string') choices.push({ value: option.const, help: option.description });
    else if (option.enum?.every((value) => typeof value === 'string')) {
      for (const value of option.enum) choices.push({ value: String(value), help: option.description });
    } else return null;
  }
  return choices;
}

function fieldsOf(schema: JsonSchema, defs: Defs, without: string | null): [string, FieldNode][] {
  return Object.entries(schema.properties ?? {})
    .filter(([name, field]) => name !== without && field['x-file-only'] !== true)
    .map(([name, field]) => [name, nodeOf(field, defs)]);
}

/** Alternatives told apart by a property that is constant in each. */
function variantsOf(options: JsonSchema[], defs: Defs, common: Common, whole: JsonSchema): FieldNode {
  const resolved = options.map((option) => resolve(option, defs));
  const first = Object.entries(resolved[0]?.properties ?? {}).find(([, field]) => typeof field.const === 'string');
  const tag = first?.[0];
  if (tag === undefined) return { ...common, kind: 'other' };
  const shared = fieldsOf(whole, defs, tag);
  const variants = resolved.map((option) => ({
    value: String(option.properties?.[tag]?.const ?? ''),
    help: option.description,
    fields: [...shared, ...fieldsOf(option, defs, tag)],
  }));
  return { ...common, kind: 'variants', tag, variants };
}

/** The value a form starts with where the configuration gives none. */
export function defaultOf(node: FieldNode): unknown {
  if (node.fallback !== undefined) return node.fallback;
  return node.nullable ? null : filled(node);
}

/** The value of a node that is there, whatever its default: what an optional part starts with when it is switched on. */
export function filled(node: FieldNode): unknown {
  switch (node.kind) {
    case 'object':
      return defaultsOf(node.fields);
    case 'variants': {
      const first = node.variants[0];
      return first ? { [node.tag]: first.value, ...defaultsOf(first.fields) } : {};
    }
    case 'choice':
      return node.choices[0]?.value ?? null;
    case 'flag':
      return false;
    case 'list':
    case 'items':
      return [];
    case 'text':
      return '';
    case 'number':
      return node.min ?? 0;
    case 'other':
      return null;
  }
}

/** The defaults of some fields. */
export function defaultsOf(fields: [string, FieldNode][]): Record<string, unknown> {
  return Object.fromEntries(fields.map(([name, node]) => [name, defaultOf(node)]));
}
