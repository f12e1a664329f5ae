/** Why a session waits, by code and parameters (`reason_code`, `reason_params`); null means: say the sentence that came. */
import { number } from '../state/format';
import { type Params, say } from './params';

const plural = (amount: number, word: string): string => `${number(amount)} ${word}${amount === 1 ? '' : 's'}`;

/** An amount of a resource as the scheduler counts it: thousandths of a core, MiB, GPUs. */
function amount(dimension: unknown, value: string | number): string {
  const size = Number(value);
  switch (dimension) {
    case 'cpu':
      return plural(Math.ceil(size / 100) / 10, 'core');
    case 'gpu':
      return plural(size, 'GPU');
    case 'memory':
      return `${number(size)} MiB of memory`;
    case 'gpu_memory':
      return `${number(size)} MiB of GPU memory`;
    case 'disk':
      return `${number(size)} MiB of disk`;
    default:
      return String(value);
  }
}

const seconds = (ms: string): string => `${Math.ceil(Number(ms) / 1000)} s`;

export const enReasons = {
  missing: (p: Params): string | null => say(p, ['missing', 'node'], (missing, node) => `Waits for ${amount(p['dimension'], missing)} on ${node}`),
  making_room: (p: Params): string | null => say(p, ['node'], (node) => `Others are leaving ${node} to make room for it`),
  behind: (p: Params): string | null => say(p, ['ahead'], (ahead) => `Behind ${plural(Number(ahead), 'session')} that go${ahead === '1' ? 'es' : ''} first`),
  quota: (p: Params): string | null =>
    say(p, ['name', 'limit', 'used', 'wanted'], (name, limit, used, wanted) =>
      `${p['scope'] === 'team' ? 'Team' : 'User'} ${name} may have ${amount(p['dimension'], limit)} at once, has or is promised ${amount(p['dimension'], used)}, and this asks for ${amount(p['dimension'], wanted)}`),
  quota_sessions: (p: Params): string | null =>
    say(p, ['name', 'limit', 'used', 'wanted'], (name, limit, used, wanted) =>
      `${p['scope'] === 'team' ? 'Team' : 'User'} ${name} may have ${plural(Number(limit), 'session')} at once, has or is promised ${number(Number(used))}, and this asks for ${number(Number(wanted))} more`),
  gang_incomplete: (p: Params): string | null => say(p, ['present', 'size'], (present, size) => `Its gang has ${present} of ${size} members yet`),
  gang_partly: (p: Params): string | null => say(p, ['fitting', 'size'], (fitting, size) => `Only ${fitting} of ${size} of its gang fit now`),
  gang_too_large: (p: Params): string | null => say(p, ['fitting', 'size'], (fitting, size) => `Only ${fitting} of ${size} of its gang would fit at once into the empty cluster`),
  no_node: (): string | null => 'The cluster has no node',
  no_label: (p: Params): string | null => say(p, ['label', 'value'], (label, value) => `No node has the label ${label}=${value}`),
  no_role: (p: Params): string | null => say(p, ['role'], (role) => `No node has the role ${role}`),
  unknown_node: (p: Params): string | null => say(p, ['node'], (node) => `There is no node ${node}`),
  no_match: (): string | null => 'No node has all labels and roles it requires',
  closed: (p: Params): string | null => say(p, ['nodes'], (nodes) => `${plural(Number(nodes), 'node')} could take it, closed at the moment: cordoned, draining or down`),
  avoided: (p: Params): string | null => say(p, ['nodes'], (nodes) => `${plural(Number(nodes), 'node')} could take it, and it keeps away from there`),
  too_large: (p: Params): string | null =>
    say(p, ['wanted', 'largest'], (wanted, largest) => `Asks for ${amount(p['dimension'], wanted)}, the largest node has ${amount(p['dimension'], largest)}; stop it and submit it with less`),
  back_off_node: (p: Params): string | null => say(p, ['node', 'left_ms'], (node, left) => `${node} refused it for lack of room, tried again in ${seconds(left)}`),
  back_off: (p: Params): string | null => say(p, ['left_ms'], (left) => `Failed, tried again in ${seconds(left)}`),
  no_majority: (): string | null => 'The cluster has no majority; nothing new starts until it has',
  preempted: (p: Params): string | null => say(p, ['node', 'by'], (node, by) => `Makes room on ${node} for ${by}, which has a higher priority`),
};
