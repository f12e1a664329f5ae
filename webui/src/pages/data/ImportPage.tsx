/** Bring data in: a file, or the engine's synthetic market. */
import { Page } from '../../components/Page';
import { CommandHint } from '../../components/CommandHint';
import { useText } from '../../i18n';
import { FileImport } from './FileImport';
import { SyntheticImport } from './SyntheticImport';

/** The import page. */
export default function ImportPage() {
  const text = useText();
  return (
    <Page title={text.data.import} parent={{ to: '/data', label: text.data.title }}>
      <div className="import-columns">
        <FileImport />
        <SyntheticImport />
      </div>
      <CommandHint command="tm data import FILE --name NAME" />
    </Page>
  );
}
