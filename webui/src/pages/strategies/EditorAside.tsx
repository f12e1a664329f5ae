/** Beside the form: versions and the effective configuration. */
import { Link } from 'react-router';

import { Age } from '../../components/Age';
import { Card } from '../../components/Card';
import { Hash } from '../../components/Hash';
import { Json } from '../../components/Json';
import { useText } from '../../i18n';
import { violationText } from '../../api/problem';
import type { Editor } from './useEditor';

/** Shows what will run and what was saved. */
export function EditorAside({ editor }: { editor: Editor }) {
  const text = useText();
  const { checked, versions, shown, strategy } = editor;
  return (
    <aside className="editor-aside" aria-label={text.editor.effective}>
      {(versions.data ?? []).length > 0 && (
        <Card title={text.editor.versions}>
          <ol className="versions">
            {[...(versions.data ?? [])].sort((left, right) => right.version - left.version).map((each) => (
              <li key={each.version} aria-current={each.version === shown?.version ? 'true' : undefined}>
                <Link to={`?version=${each.version}`}>{text.editor.versionOf(each.version)}</Link>
                {each.version === strategy.data?.version && <span className="tag">{text.editor.newest}</span>}
                <span className="grow" />
                <Hash value={each.hash} />
                <Age at={each.created_at} />
              </li>
            ))}
          </ol>
        </Card>
      )}
      {checked.warnings.length > 0 && (
        <div className="note note-warn">
          <strong>{text.editor.warnings}</strong>
          <ul>{checked.warnings.map((each) => <li key={each.pointer + each.code}>{violationText(text, each)}</li>)}</ul>
        </div>
      )}
      <Card title={text.editor.effective} aside={checked.hash && <Hash value={checked.hash} />}>
        <p className="hint">{text.editor.effectiveHelp}</p>
        <Json label={text.editor.effective} value={checked.effective ?? editor.config ?? {}} />
      </Card>
    </aside>
  );
}
