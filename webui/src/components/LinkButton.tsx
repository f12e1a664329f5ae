/** A link that looks like a button. */
import type { ReactNode } from 'react';
import { Link } from 'react-router';

interface LinkButtonProps {
  to: string;
  primary?: boolean;
  small?: boolean;
  children: ReactNode;
}

/** Shows a link as a button. */
export function LinkButton({ to, primary = false, small = false, children }: LinkButtonProps) {
  return (
    <Link className={`btn${primary ? ' btn-primary' : ''}${small ? ' btn-small' : ''}`} to={to}>
      {children}
    </Link>
  );
}
