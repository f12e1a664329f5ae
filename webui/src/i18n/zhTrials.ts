/** 试验台账的文字。 */
import type { Dictionary } from './en';

export const zhTrials: Dictionary['trials'] = {
  title: '试验',
  help: '该策略曾做过的全部尝试，无论结果如何。每一次尝试都会计入下一次评估。',
  empty: '尚无任何尝试。',
  trial: '试验',
  data: '数据',
  seeds: '随机种子',
  segment: '区段',
  outcome: '结果',
  sharpe: '夏普比率',
  models: (n) => `${n} 个模型`,
  range: (first, last, n) => `${first} 至 ${last}（共 ${n} 个）`,
  running: '进行中',
  outcomes: { finished: '已完成', failed: '失败', stopped: '已停止' },
  removed: '会话已移除',
  shown: (shown, all) => `共 ${all} 次试验，显示最新 ${shown} 次。`,
  independent: (effective, all) => `最新的评估在其数据上计入 ${all} 次，其中 ${effective} 次相互独立。`,
  independentUnknown: (all) => `最新的评估在其数据上计入 ${all} 次；其中独立试验的数量无定义。`,
  notJudged: '独立试验的数量由评估给出。',
  evaluation: '查看该评估',
};
