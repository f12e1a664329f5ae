/** What people should know about the cluster, the gravest first. */
import { useText } from '../../i18n';
import { roughly } from '../../state/format';
import { useNow } from '../../state/useNow';
import type { Notice } from './health';

/** Shows the notices; the grave ones are read out. */
export function Notices({ notices }: { notices: Notice[] }) {
  return notices.map((notice) => <One key={notice.kind === 'down' ? `down ${notice.node}` : notice.kind} notice={notice} />);
}

function One({ notice }: { notice: Notice }) {
  const text = useText();
  const now = useNow();
  const words = text.cluster.notices;
  switch (notice.kind) {
    case 'noMajority':
      return (
        <div className="note note-bad" role="alert">
          <strong>{words.noMajorityTitle}</strong>
          <p>{words.noMajority(notice.up, notice.all, notice.needed)}</p>
        </div>
      );
    case 'down':
      return (
        <div className="note note-bad" role="alert">
          <strong>{words.down(notice.node)}</strong>
          {notice.since && <p>{words.downSince(text.common.ago(roughly((now - Date.parse(notice.since)) / 1000, text)))} {notice.moves && words.downMoves}</p>}
          {notice.reason && <p className="hint">{notice.reason}</p>}
        </div>
      );
    case 'noLeader':
      return <p className="note note-warn" role="status">{words.noLeader}</p>;
    case 'twoVoters':
      return <p className="note note-warn">{words.twoVoters}</p>;
    case 'noSpare':
      return <p className="note note-warn">{words.noSpare}</p>;
    case 'versions':
      return <p className="note note-info">{words.versions(notice.list)}</p>;
    case 'alone':
      return <p className="note note-info">{words.alone}</p>;
  }
}
