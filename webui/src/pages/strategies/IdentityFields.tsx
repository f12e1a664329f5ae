/** Name, description and algorithm of a new strategy. */
import { Input } from 'antd';

import type { AlgorithmView } from '../../api/types';
import { Card } from '../../components/Card';
import { useFieldText } from '../../forms/FormContext';
import { useText } from '../../i18n';
import type { Editor } from './useEditor';

/** Shows what a strategy has beside its configuration. */
export function IdentityFields({ editor, nameError }: { editor: Editor; nameError: boolean }) {
  const text = useText();
  const fieldText = useFieldText();
  const algorithms = editor.algorithms.data ?? [];
  const most = Math.max(0, ...algorithms.map((each) => each.tasks?.length ?? 0));
  /** The tasks it fits, where it does not fit them all. */
  const tasksOf = (each: AlgorithmView): string[] => ((each.tasks?.length ?? most) < most ? (each.tasks ?? []).map((task) => fieldText('/environment/task', undefined, task).label) : []);
  return (
    <Card title={text.editor.choose}>
      <div className="options" role="radiogroup" aria-label={text.editor.choose}>
        {algorithms.map((each) => (
          <label key={each.id} className={`option${each.id === editor.algorithm ? ' option-on' : ''}`}>
            <input type="radio" name="algorithm" value={each.id} checked={each.id === editor.algorithm} onChange={() => editor.chooseAlgorithm(each.id)} />
            <span className="option-name">{algorithmLabel(fieldText('/agent/algorithm', undefined, each.id).label, each.name, each.id)}</span>
            <span className="hint">{[each.learns ? text.editor.learns : text.editor.rule, ...tasksOf(each)].join(' · ')}</span>
          </label>
        ))}
      </div>
      <div className="fields">
        <div className={`cell field${nameError ? ' field-bad' : ''}`}>
          <label htmlFor="strategy-name">{text.common.name}</label>
          <Input id="strategy-name" maxLength={120} value={editor.name} status={nameError ? 'error' : ''} aria-invalid={nameError} aria-describedby="strategy-name-help" onChange={(event) => editor.setName(event.target.value)} />
          {nameError && <p className="field-errors" role="alert">{text.editor.nameMissing}</p>}
          <p className="hint" id="strategy-name-help">{text.editor.nameHelp}</p>
        </div>
        <div className="cell cell-wide field">
          <label htmlFor="strategy-description">{text.common.description} <span className="hint">({text.common.optional})</span></label>
          <Input id="strategy-description" maxLength={500} value={editor.description} onChange={(event) => editor.setDescription(event.target.value)} />
        </div>
      </div>
    </Card>
  );
}

/** The translated name where there is one, else the node's. */
function algorithmLabel(translated: string, given: string, id: string): string {
  const plain = id.replaceAll('_', ' ').toLowerCase();
  return translated.toLowerCase() === plain ? given : translated;
}
