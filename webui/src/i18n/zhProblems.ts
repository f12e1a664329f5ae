/** 错误代码的标题与字段错误。 */
import type { enProblems, enViolations } from './enProblems';
import { limits, type Params, say } from './params';
import { saidInChinese } from './zhSaid';

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
  password_change_required: '请先设置自己的密码',
  unreachable: '无法连接节点',
  client: '页面发生错误',
};

/** 数据有何问题：需要什么、实际是什么、该怎么做。 */
function faultSaid(p: Params, head: string): string | null {
  const next = typeof p['next'] === 'string' && p['next'] !== '' ? saidInChinese(p['next']).replace(/[。？]?$/, (end) => end || '。') : '';
  return say(p, ['wanted', 'found'], (wanted, found) => `${head}：需要${saidInChinese(wanted ?? '')}；实际为${saidInChinese(found ?? '')}。${next}`);
}

export const zhViolations: typeof enViolations = {
  archived: (p) => say(p, ['name'], (name) => `“${name}”已归档，请选择未归档的。`),
  control_characters: () => '必须是单行文本，且不含控制字符。',
  data_bar: (p) => faultSaid(p, '该 K 线自相矛盾或数值大小不可能'),
  data_cell: (p) => faultSaid(p, '无法读取该单元格'),
  data_columns: (p) => faultSaid(p, '列不匹配'),
  data_empty: (p) => faultSaid(p, '没有可导入的内容'),
  data_instrument: (p) => faultSaid(p, '请选择一个标的'),
  data_snapshot: (p) => faultSaid(p, '已存储的数据损坏'),
  data_time: (p) => faultSaid(p, '时间不符合要求'),
  data_toolarge: (p) => faultSaid(p, '过大'),
  data_unreadable: (p) => faultSaid(p, '完全无法读取'),
  does_not_learn: (p) => say(p, ['algorithm'], (rule) => `“${rule}”是规则，不会学习。请选择回测，或选择会学习的策略。`),
  invalid_type: (p) => say(p, ['expected'], (kind) => `类型必须为 ${kind}。`),
  missing_field: () => '此项必填。',
  no_costs: () => '没有手续费和滑点，所有数字都会被美化。',
  no_model: (p) => say(p, ['state'], (state) => `该会话尚无模型（${state}），请等待其完成。`),
  not_a_number: () => '这不是数字。',
  not_allowed: (p) => say(p, ['allowed'], (allowed) => `必须为以下之一：${allowed}。`),
  not_an_identifier: (p) => say(p, ['prefix'], (prefix) => `这不是标识符。标识符以 ${prefix}_ 开头，请从列表中复制。`),
  not_an_integer: () => '这不是整数。',
  not_at_least: (p) => say(p, ['field', 'limit'], (field, limit) => `不得小于 ${field}（${limit}）。`),
  not_at_most: (p) => say(p, ['field', 'limit'], (field, limit) => `不得大于 ${field}（${limit}）。`),
  not_finite: () => '必须是有限数值。',
  not_found: (p) => say(p, ['id'], (id) => `${id} 不存在，或您无权查看。`),
  not_hashed: () => '密码必须先经过哈希才能存储。',
  not_of_strategy: (p) => say(p, ['strategy'], (strategy) => `该会话训练的是“${strategy}”，请用该策略测试其模型。`),
  not_sealed: () => '该策略没有封存数据。请选择其他数据段，或在新版本中封存一部分数据。',
  not_trained: (p) => say(p, ['algorithm'], (algorithm) => `“${algorithm}”须先训练。请指定要测试其模型的训练会话。`),
  not_training: () => '该会话不是训练会话。',
  optimistic_fill: () => '在刚观察到的收盘价成交在市场中无法实现；报告会作标记。',
  out_of_range: (p) => limits(p, (min, max) => `必须介于 ${min} 与 ${max} 之间。`, (min) => `不得小于 ${min}。`, (max) => `不得大于 ${max}。`),
  required: () => '此项必填。',
  sealed: (p) => say(p, ['share'], (share) => `最新的数据（比例 ${share}）已封存。请先启封该策略的数据，启封只能进行一次。`),
  shares: (p) => say(p, ['train', 'valid'], (train, valid) => `训练与验证（${train} + ${valid}）须为测试留出数据：两者之和须小于 1。`),
  too_short: (p) =>
    say(p, ['rows', 'needed'], (rows, needed) => `数据只有 ${rows} 根 K 线；该配置至少需要 ${needed} 根。`) ??
    say(p, ['rows'], (rows) => `数据只有 ${rows} 根 K 线，不足以满足该配置。`),
  unchanged: () => '必须与当前密码不同。',
  unknown_field: (p) => (p['suggestion'] ? `该设置不存在，是否指“${String(p['suggestion'])}”？` : say(p, ['allowed'], (allowed) => `该设置不存在。可用的有：${allowed}。`)),
  unknown_zone: (p) =>
    Array.isArray(p['near']) && p['near'].length > 0 ? `没有时区“${String(p['got'])}”。您是否想用 ${p['near'].join(' 或 ')}？` : say(p, ['got'], (got) => `没有时区“${got}”。请写如 Europe/Berlin 的名称，或如 +05:30 的时差。`),
  unlike_training: (p) => say(p, ['trained', 'wanted'], (trained, wanted) => `与训练不一致：训练时为 ${trained}，实际为 ${wanted}。`),
  unreadable: (p) => say(p, ['reason'], (reason) => `无法读取：${reason}。`),
  user_name: (p) => say(p, ['max'], (max) => `用户名须为 1 至 ${max} 个字符，可用 a–z A–Z 0–9 . _ - @。`),
  verification_only: () => '忠实模式会重现参考系统的错误及其前视偏差：仅用于验证，不用于评判。',
  weak_password: (p) => {
    if (p['reason'] === 'length') return say(p, ['min', 'max'], (min, max) => `须为 ${min} 至 ${max} 个字符。`);
    return p['reason'] === 'name' ? '不得包含您的用户名。' : '这是攻击者最先尝试的密码之一，请另选。';
  },
  wrong_password: () => '这不是您的密码。',
};
