/** Create a strategy or save a new version: form by schema, errors at the fields, effective configuration. */
import { Button } from 'antd';
import { useState } from 'react';

import { asProblem } from '../../api/problem';
import { CommandHint } from '../../components/CommandHint';
import { ErrorNote } from '../../components/ErrorNote';
import { LinkButton } from '../../components/LinkButton';
import { Loading } from '../../components/Loading';
import { Page } from '../../components/Page';
import { ErrorList } from '../../forms/ErrorList';
import { SchemaForm } from '../../forms/SchemaForm';
import { useText } from '../../i18n';
import { EditorAside } from './EditorAside';
import { IdentityFields } from './IdentityFields';
import { SealCard } from './SealCard';
import { TrialsCard } from './TrialsCard';
import { useEditor } from './useEditor';

const HIDDEN: ReadonlySet<string> = new Set(['/agent/algorithm']);

/** The strategy editor. */
export default function StrategyEditorPage() {
  const text = useText();
  const editor = useEditor();
  const [tried, setTried] = useState(false);
  const { strategy, config, node, checked, save } = editor;
  const isNew = editor.id === undefined;
  const nameMissing = isNew && editor.name.trim() === '';
  const newest = strategy.data?.version ?? 0;
  const viewingOld = editor.shown && editor.shown.version < newest;
  const errors = [...checked.errors, ...(checked.errors.length === 0 && editor.changed === 0 ? editor.refused : [])];
  const stale = save.error && asProblem(save.error).code === 'stale_revision';
  const submit = () => {
    setTried(true);
    if (!nameMissing && errors.length === 0) save.mutate();
    else document.getElementById(nameMissing ? 'strategy-name' : 'editor-errors')?.focus();
  };
  const title = strategy.data?.name ?? (isNew ? text.editor.newTitle : text.strategies.title);
  const actions = strategy.data && (
    <>
      <LinkButton to={`/sessions/new?kind=training&strategy=${strategy.data.id}`}>{text.strategies.train}</LinkButton>
      <LinkButton to={`/sessions/new?kind=backtest&strategy=${strategy.data.id}`}>{text.strategies.backtest}</LinkButton>
      <LinkButton to={`/sessions/new?kind=evaluation&strategy=${strategy.data.id}`}>{text.session.evaluate}</LinkButton>
    </>
  );
  return (
    <Page title={title} parent={{ to: '/strategies', label: text.strategies.title }} aside={editor.shown && <span className="tag">{text.editor.versionOf(editor.shown.version)}</span>} actions={actions}>
      {strategy.data?.description && <p className="hint">{strategy.data.description}</p>}
      {editor.failure && <ErrorNote error={editor.failure} />}
      {viewingOld && editor.shown && <p className="note note-info">{text.editor.viewing(editor.shown.version)}</p>}
      <div className="editor">
        <form
          noValidate
          className="editor-form"
          onSubmit={(event) => {
            event.preventDefault();
            submit();
          }}
        >
          {isNew && <IdentityFields editor={editor} nameError={tried && nameMissing} />}
          {config && node ? <SchemaForm node={node} value={config} errors={errors} hidden={HIDDEN} onChange={editor.change} /> : !editor.failure && <Loading lines={12} />}
          <div id="editor-errors" tabIndex={-1}><ErrorList errors={errors} /></div>
          {save.error && (stale ? <p className="note note-warn" role="alert">{text.editor.stale}</p> : editor.refused.length === 0 && <ErrorNote error={save.error} />)}
          {checked.failure !== null && <ErrorNote error={checked.failure} />}
          <div className="form-actions form-actions-stuck">
            <Button type="primary" size="large" htmlType="submit" loading={save.isPending} disabled={editor.loading || (!isNew && editor.changed === 0 && !viewingOld)}>
              {isNew ? text.editor.create : text.editor.saveVersion}
            </Button>
            {editor.changed > 0 && <Button size="large" onClick={editor.reset}>{text.editor.reset}</Button>}
            <span className={`check check-${errors.length > 0 ? 'bad' : checked.checking ? 'wait' : 'good'}`} role="status">
              {errors.length > 0 ? text.editor.invalid(errors.length) : checked.checking ? text.editor.checking : text.editor.valid}
            </span>
            {!isNew && <span className="hint">{editor.changed > 0 ? text.editor.changed(editor.changed) : text.editor.unchanged}</span>}
          </div>
        </form>
        <EditorAside editor={editor} />
      </div>
      {editor.id && <SealCard strategy={editor.id} />}
      {editor.id && <TrialsCard strategy={editor.id} />}
      {editor.id && <CommandHint command={`tm strategy show ${editor.id}`} />}
    </Page>
  );
}
