/** Sets and removes quotas and reads again what that changes. */
import { useMutation, useQueryClient } from '@tanstack/react-query';

import { asProblem, problemTitle } from '../../api/problem';
import { keys } from '../../api/queries';
import { putQuota, removeQuota } from '../../api/scheduler';
import { useLogin } from '../../api/session';
import type { QuotaView } from '../../api/types';
import { useText } from '../../i18n';
import { toast } from '../../state/toast';
import { nameOf, type QuotaForm, quotaId, wireOf } from './quota';

/** Saves a form; `before` is what it replaces. A refusal stays in `error`, for the dialog. */
export function useQuotaSaving(before: QuotaView | null) {
  const text = useText();
  const queries = useQueryClient();
  const me = useLogin((login) => login.user);
  return useMutation({
    mutationFn: (form: QuotaForm) => putQuota(quotaId(form), wireOf(form), before),
    onSuccess: (_, form) => {
      toast('good', text.queue.saved(nameOf({ ...form, name: form.name.trim() }, me, text.queue)));
      void queries.invalidateQueries({ queryKey: keys.scheduler });
    },
  });
}

/** Removes a quota. */
export function useQuotaRemoval() {
  const text = useText();
  const queries = useQueryClient();
  const me = useLogin((login) => login.user);
  return useMutation({
    mutationFn: removeQuota,
    onSuccess: (_, quota) => {
      toast('good', text.queue.removed(nameOf(quota, me, text.queue)));
      void queries.invalidateQueries({ queryKey: keys.scheduler });
    },
    onError: (error) => {
      const problem = asProblem(error);
      toast('bad', `${problemTitle(text, problem)}: ${problem.detail}`);
    },
  });
}
