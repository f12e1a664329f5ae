/** Schema node → input. */
import type { ReactNode } from 'react';

import { ChoiceField } from './ChoiceField';
import { FieldList } from './FieldList';
import { FlagField } from './FlagField';
import { ItemsField } from './ItemsField';
import { ListField } from './ListField';
import { NumberField } from './NumberField';
import { TextField } from './TextField';
import { VariantsField } from './VariantsField';
import type { FieldNode } from './schema';

/** The input for a node; what no input is made for is shown as text. */
export function fieldFor(pointer: string, node: FieldNode, value: unknown): ReactNode {
  switch (node.kind) {
    case 'number':
      return <NumberField pointer={pointer} node={node} value={value} />;
    case 'list':
      return <ListField pointer={pointer} node={node} value={value} />;
    case 'items':
      return <ItemsField pointer={pointer} node={node} value={value} />;
    case 'text':
      return <TextField pointer={pointer} node={node} value={value} />;
    case 'flag':
      return <FlagField pointer={pointer} node={node} value={value} />;
    case 'choice':
      return <ChoiceField pointer={pointer} node={node} value={value} />;
    case 'object':
      return <FieldList pointer={pointer} fields={node.fields} value={(value ?? {}) as Record<string, unknown>} />;
    case 'variants':
      return <VariantsField pointer={pointer} node={node} value={value} />;
    case 'other':
      return <code>{JSON.stringify(value)}</code>;
  }
}
