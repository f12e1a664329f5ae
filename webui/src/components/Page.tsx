/** The frame of a page: one heading, its actions, its content. */
import { type ReactNode, useEffect } from 'react';
import { Link } from 'react-router';

import { useText } from '../i18n';

interface PageProps {
  title: string;
  /** What stands beside the heading: badges, ages. */
  aside?: ReactNode;
  actions?: ReactNode;
  /** The page above. */
  parent?: { to: string; label: string };
  children: ReactNode;
}

/** Shows a page and names the browser tab after it. */
export function Page({ title, aside, actions, parent, children }: PageProps) {
  const text = useText();
  useEffect(() => {
    document.title = `${title} · ${text.product}`;
  }, [title, text]);
  return (
    <>
      <header className="page-head">
        <div className="page-title">
          {parent && (
            <Link className="crumb" to={parent.to}>
              <span aria-hidden="true">‹ </span>
              {parent.label}
            </Link>
          )}
          <div className="page-line">
            <h1>{title}</h1>
            {aside}
          </div>
        </div>
        {actions && <div className="page-actions">{actions}</div>}
      </header>
      {children}
    </>
  );
}
