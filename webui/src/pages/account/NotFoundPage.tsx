/** An address that leads nowhere. */
import { EmptyNote } from '../../components/EmptyNote';
import { LinkButton } from '../../components/LinkButton';
import { Page } from '../../components/Page';
import { useText } from '../../i18n';

/** The page for unknown addresses. */
export default function NotFoundPage() {
  const text = useText();
  return (
    <Page title={text.common.notFoundTitle}>
      <EmptyNote title={text.common.notFoundHelp} action={<LinkButton primary to="/">{text.common.goHome}</LinkButton>} />
    </Page>
  );
}
