/** 错误代码的标题与字段错误。 */
import type { enProblems, enViolations } from './enProblems';
import { limits } from './params';

export const zhProblems: Record<keyof typeof enProblems, string> = {
  malformed: '无法读取该请求',
  bad_cursor: '列表已变化，请重新加载',
  unknown_parameter: '存在未知参数',
  idempotency_key_required: '请求缺少幂等键',
  unauthenticated: '用户名或密码错误',
  token_expired: '登录已过期',
  forbidden: '您无权执行此操作',
  step_up_required: '此操作需要二次验证',
  not_found: '未找到',
  method_not_allowed: '此处不支持该操作',
  conflict: '与现有内容冲突',
  illegal_transition: '当前状态下无法执行',
  command_in_progress: '相同命令仍在执行',
  in_use: '仍在使用中',
  stale_revision: '内容已被他人修改',
  too_large: '内容过大',
  unsupported_media_type: '不支持该文件类型',
  validation_failed: '部分字段不符合要求',
  risk_denied: '被风控拒绝',
  idempotency_mismatch: '同一请求以不同内容重复发送',
  precondition_required: '缺少修订号',
  rate_limited: '请求过于频繁，请稍候',
  internal: '节点内部错误',
  no_quorum: '集群目前没有多数派',
  draining: '该节点正在下线',
  overloaded: '节点负载过高',
  audit_unavailable: '审计日志无法写入',
  node_unreachable: '所属节点没有响应',
  deadline_exceeded: '未在时限内得到答复，操作可能仍会生效',
  unreachable: '无法连接节点',
  client: '页面发生错误',
};

export const zhViolations: typeof enViolations = {
  unknown_field: (p) => (p['suggestion'] ? `该设置不存在，是否指“${String(p['suggestion'])}”？` : '该设置不存在。'),
  not_finite: () => '必须是有限数值。',
  not_a_number: () => '这不是数字。',
  not_an_integer: () => '这不是整数。',
  required: () => '此项必填。',
  missing_field: () => '此项必填。',
  out_of_range: (p) => limits(p, (min, max) => `必须介于 ${min} 与 ${max} 之间。`, (min) => `不得小于 ${min}。`, (max) => `不得大于 ${max}。`),
};
