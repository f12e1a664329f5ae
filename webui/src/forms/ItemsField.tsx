/** A list of entries of one shape: add, remove, move up or down. Knows no entry by name. */
import { ArrowDownOutlined, ArrowUpOutlined, DeleteOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import { useEffect, useRef, useState } from 'react';

import { violationText } from '../api/problem';
import { NativeSelect } from '../components/NativeSelect';
import { Rich } from '../components/Rich';
import { useText } from '../i18n';
import { useFieldText, useForm } from './FormContext';
import { fieldFor } from './fieldFor';
import { below, errorsAt, fieldId, moved } from './pointers';
import { type FieldNode, filled, type ItemsNode } from './schema';

interface ItemsFieldProps {
  pointer: string;
  node: ItemsNode;
  value: unknown;
}

/** A fresh entry; of the chosen kind where there are several. */
function fresh(item: FieldNode, kind: string): unknown {
  if (item.kind !== 'variants') return filled(item);
  const wanted = item.variants.filter((each) => each.value === kind);
  return filled({ ...item, variants: wanted.length > 0 ? wanted : item.variants });
}

/** What an entry is called: its kind, or the name of the list. */
function useEntryName(pointer: string, item: FieldNode, fallback: string): (value: unknown) => string {
  const fieldText = useFieldText();
  return (value) => {
    if (item.kind !== 'variants') return fallback;
    const kind = String((value as Record<string, unknown> | null)?.[item.tag] ?? '');
    return kind === '' ? fallback : fieldText(`${pointer}/*/${item.tag}`, undefined, kind).label;
  };
}

/** Shows the entries in order and a way to add one. */
export function ItemsField({ pointer, node, value }: ItemsFieldProps) {
  const text = useText();
  const fieldText = useFieldText();
  const { set, readOnly, errors } = useForm();
  const items: unknown[] = Array.isArray(value) ? value : [];
  const { item } = node;
  const kinds = item.kind === 'variants' ? item.variants : [];
  const [kind, setKind] = useState(kinds[0]?.value ?? '');
  const [said, setSaid] = useState('');
  const focusNext = useRef<string | null>(null);
  const id = fieldId(pointer);
  const { label } = fieldText(pointer, node.help);
  const nameOf = useEntryName(pointer, item, label);
  const full = node.most !== undefined && items.length >= node.most;
  useEffect(() => {
    const wanted = focusNext.current;
    focusNext.current = null;
    if (wanted) document.getElementById(wanted)?.focus();
  });
  // An empty list is written as the configuration writes it where it is the default: not at all.
  const change = (next: unknown[]) => set(pointer, next.length === 0 && Array.isArray(node.fallback) && node.fallback.length === 0 ? undefined : next);
  const add = () => {
    const entry = fresh(item, kind);
    change([...items, entry]);
    setSaid(text.form.added(nameOf(entry), items.length + 1));
  };
  const move = (from: number, to: number) => {
    focusNext.current = `${id}-${to}-${to < from ? (to === 0 ? 'down' : 'up') : to === items.length - 1 ? 'up' : 'down'}`;
    change(moved(items, from, to));
    setSaid(text.form.movedTo(nameOf(items[from]), to + 1, items.length));
  };
  const remove = (at: number) => {
    focusNext.current = items.length > 1 ? `${id}-${Math.min(at, items.length - 2)}-remove` : `${id}-add`;
    change(items.filter((_, index) => index !== at));
    setSaid(text.form.removed(nameOf(items[at])));
  };
  return (
    <div className="items" id={id} tabIndex={-1}>
      {items.length === 0 && <p className="hint">{text.form.noEntries}</p>}
      <ol className="items-list">
        {items.map((entry, index) => {
          const at = below(pointer, index);
          const name = nameOf(entry);
          const mine = errorsAt(errors, at);
          return (
            <li key={index} className="item" aria-label={text.form.entry(index + 1, name)} id={item.kind === 'variants' || item.kind === 'object' ? fieldId(at) : undefined} tabIndex={-1}>
              <div className="item-head">
                <span className="item-place num" aria-hidden="true">{index + 1}</span>
                <strong className="item-name">{name}</strong>
                {!readOnly && (
                  <span className="item-actions">
                    <Button size="small" id={`${id}-${index}-up`} disabled={index === 0} icon={<ArrowUpOutlined />} aria-label={text.form.moveUp(index + 1, name)} onClick={() => move(index, index - 1)} />
                    <Button size="small" id={`${id}-${index}-down`} disabled={index === items.length - 1} icon={<ArrowDownOutlined />} aria-label={text.form.moveDown(index + 1, name)} onClick={() => move(index, index + 1)} />
                    <Button size="small" id={`${id}-${index}-remove`} danger disabled={items.length <= node.least} icon={<DeleteOutlined />} aria-label={text.form.remove(index + 1, name)} onClick={() => remove(index)} />
                  </span>
                )}
              </div>
              {mine.length > 0 && <ul className="field-errors">{mine.map((error) => <li key={error.code + error.detail}>{violationText(text, error)}</li>)}</ul>}
              <div className="fields">{fieldFor(at, item, entry)}</div>
            </li>
          );
        })}
      </ol>
      {errorsAt(errors, pointer).map((error) => <p key={error.code + error.detail} className="field-errors">{violationText(text, error)}</p>)}
      {!readOnly && (
        <div className="items-add">
          {kinds.length > 1 && (
            <NativeSelect
              id={`${id}-kind`}
              label={text.form.kindToAdd(label)}
              value={kind}
              disabled={full}
              options={kinds.map((each) => ({ value: each.value, label: fieldText(`${pointer}/*/${item.kind === 'variants' ? item.tag : ''}`, each.help, each.value).label }))}
              onChange={setKind}
            />
          )}
          <Button id={`${id}-add`} disabled={full} onClick={add}>{text.form.add}</Button>
          {kinds.length > 1 && <KindHelp words={fieldText(`${pointer}/*/${item.kind === 'variants' ? item.tag : ''}`, kinds.find((each) => each.value === kind)?.help, kind).help} />}
        </div>
      )}
      <span className="sr-only" role="status">{said}</span>
    </div>
  );
}

function KindHelp({ words }: { words: string | undefined }) {
  return words ? <span className="hint"><Rich words={words} /></span> : null;
}
