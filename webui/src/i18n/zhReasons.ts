/** 会话等待的原因。 */
import { number } from '../state/format';
import type { enReasons } from './enReasons';
import { type Params, say } from './params';

/** 调度器所计的资源数量：千分之一核、MiB、GPU。 */
function amount(dimension: unknown, value: string | number): string {
  const size = Number(value);
  switch (dimension) {
    case 'cpu':
      return `${number(Math.ceil(size / 100) / 10)} 个 CPU 核`;
    case 'gpu':
      return `${number(size)} 个 GPU`;
    case 'memory':
      return `${number(size)} MiB 内存`;
    case 'gpu_memory':
      return `${number(size)} MiB 显存`;
    case 'disk':
      return `${number(size)} MiB 磁盘`;
    default:
      return String(value);
  }
}

const seconds = (ms: string): string => `${Math.ceil(Number(ms) / 1000)} 秒`;
const who = (p: Params): string => (p['scope'] === 'team' ? '团队' : '用户');

export const zhReasons: typeof enReasons = {
  missing: (p) => say(p, ['missing', 'node'], (missing, node) => `等待 ${node} 上的 ${amount(p['dimension'], missing)}`),
  making_room: (p) => say(p, ['node'], (node) => `其他会话正在离开 ${node}，为其腾出空间`),
  behind: (p) => say(p, ['ahead'], (ahead) => `前面还有 ${ahead} 个会话`),
  quota: (p) =>
    say(p, ['name', 'limit', 'used', 'wanted'], (name, limit, used, wanted) =>
      `${who(p)} ${name} 同时最多可用 ${amount(p['dimension'], limit)}，已用或已许诺 ${amount(p['dimension'], used)}，本会话需要 ${amount(p['dimension'], wanted)}`),
  quota_sessions: (p) =>
    say(p, ['name', 'limit', 'used', 'wanted'], (name, limit, used, wanted) => `${who(p)} ${name} 同时最多可有 ${limit} 个会话，已有或已许诺 ${used} 个，此处还需要 ${wanted} 个`),
  gang_incomplete: (p) => say(p, ['present', 'size'], (present, size) => `其编组目前有 ${present} / ${size} 个成员`),
  gang_partly: (p) => say(p, ['fitting', 'size'], (fitting, size) => `其编组目前只能容纳 ${fitting} / ${size} 个`),
  gang_too_large: (p) => say(p, ['fitting', 'size'], (fitting, size) => `即使集群为空，其编组也只能同时容纳 ${fitting} / ${size} 个`),
  no_node: () => '集群中没有节点',
  no_label: (p) => say(p, ['label', 'value'], (label, value) => `没有节点带有标签 ${label}=${value}`),
  no_role: (p) => say(p, ['role'], (role) => `没有节点具有角色 ${role}`),
  unknown_node: (p) => say(p, ['node'], (node) => `节点 ${node} 不存在`),
  no_match: () => '没有节点同时具备所要求的全部标签与角色',
  closed: (p) => say(p, ['nodes'], (nodes) => `有 ${nodes} 个节点可以接收，但目前关闭：已封锁、排空中或离线`),
  avoided: (p) => say(p, ['nodes'], (nodes) => `有 ${nodes} 个节点可以接收，但该会话避开它们`),
  too_large: (p) => say(p, ['wanted', 'largest'], (wanted, largest) => `需要 ${amount(p['dimension'], wanted)}，最大的节点只有 ${amount(p['dimension'], largest)}；请停止后减少资源重新提交`),
  back_off_node: (p) => say(p, ['node', 'left_ms'], (node, left) => `${node} 因空间不足拒绝，${seconds(left)}后重试`),
  back_off: (p) => say(p, ['left_ms'], (left) => `已失败，${seconds(left)}后重试`),
  no_majority: () => '集群没有多数派，在恢复之前不会启动新会话',
  preempted: (p) => say(p, ['node', 'by'], (node, by) => `为优先级更高的 ${by} 在 ${node} 上让出空间`),
};
