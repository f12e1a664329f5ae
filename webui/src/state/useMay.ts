/** What the reader may do. The node decides again with every command; here only buttons are left out. */
import { useQuery } from '@tanstack/react-query';

import { whoAmI } from '../api/platform';
import { keys } from '../api/queries';
import { useLogin } from '../api/session';

/** Whether the reader has a permission; not before that is known. */
export function useMay(permission: string): boolean {
  const user = useLogin((login) => login.user?.id ?? '');
  const query = useQuery({ queryKey: keys.me(user), queryFn: whoAmI, staleTime: 60_000 });
  return query.data?.permissions.includes(permission) ?? false;
}
