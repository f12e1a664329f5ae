/** A quota as the form holds it. Pure. */
import type { QuotaLimits, QuotaView, UserView } from '../../api/types';
import type { Dictionary } from '../../i18n/en';

export type LimitKey = 'sessions' | 'cores' | 'memory' | 'gpus';

/** The limits in reading order, with the most that makes sense. */
export const LIMITS: { key: LimitKey; max: number }[] = [
  { key: 'sessions', max: 1_000_000 },
  { key: 'cores', max: 1_000_000 },
  { key: 'memory', max: 4_000_000_000 },
  { key: 'gpus', max: 1_000_000 },
];

export const WEIGHT_MAX = 1000;

/** What the form holds; `null` is without limit. */
export interface QuotaForm {
  scope: 'user' | 'team';
  name: string;
  limits: Record<LimitKey, number | null>;
  weight: number;
}

/** The limits of a quota in the order of `LIMITS`. */
export function limitsOf(quota: QuotaView): Record<LimitKey, number | null> {
  return { sessions: quota.sessions_max, cores: quota.cpu_max, memory: quota.memory_mib_max, gpus: quota.gpus_max };
}

/** The form of a quota, or of a new one. */
export function formOf(quota: QuotaView | null): QuotaForm {
  if (quota === null) return { scope: 'user', name: '', limits: { sessions: null, cores: null, memory: null, gpus: null }, weight: 1 };
  return { scope: quota.scope === 'team' ? 'team' : 'user', name: quota.name, limits: limitsOf(quota), weight: quota.weight };
}

/** What is missing before the form can be sent; a quota that limits nothing and weighs nothing is none. */
export function complaint(form: QuotaForm): 'name' | 'limits' | null {
  if (form.name.trim() === '') return 'name';
  const limited = LIMITS.some(({ key }) => form.limits[key] !== null);
  return limited || form.weight !== 1 ? null : 'limits';
}

/** The name of a quota in addresses. */
export function quotaId(form: QuotaForm): string {
  return `${form.scope}:${form.name.trim()}`;
}

/** The form as the gateway wants it. */
export function wireOf(form: QuotaForm): QuotaLimits {
  const { sessions, cores, memory, gpus } = form.limits;
  return { sessions_max: sessions, cpu_max: cores, memory_mib_max: memory, gpus_max: gpus, weight: form.weight };
}

/** The name that holds for all who have no quota of their own. */
export const EVERYBODY_ELSE = 'default';

/** Whose a quota is, as people say it: users are known by identifier, and one's own is known by name. */
export function nameOf(quota: Pick<QuotaView, 'scope' | 'name'>, me: UserView | null, words: Dictionary['queue']): string {
  if (quota.name === EVERYBODY_ELSE) return quota.scope === 'team' ? words.everybodyElse.team : words.everybodyElse.user;
  return me !== null && quota.scope === 'user' && quota.name === me.id ? me.name : quota.name;
}
