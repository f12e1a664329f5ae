/** 封存数据的文字。 */
import type { Dictionary } from './en';

export const zhSeal: Dictionary['seal'] = {
  title: '封存数据',
  help: '该策略的训练、回测与评估都看不到封存的数据。封存只能启封一次，用于策略投入使用前的最后检验。',
  nothing: '没有封存任何数据。新版本可以封存最新的一部分数据；以后的版本只能多封，不能少封。',
  closed: (share) => `最新的 ${share} 数据已封存，尚未启封。`,
  opened: (share, when) => `最新的 ${share} 数据曾被封存，已于 ${when} UTC 启封。`,
  why: (reason) => `原因：${reason}`,
  open: '启封',
  openTitle: '启封这些数据？',
  openHelp: '启封只能进行一次，且无法撤销。只有在这些数据上的首次运行才是公正的检验，此后的一切都会被标记。请先决定要运行什么。',
  reasonHelp: '至少 10 个字符；永久保存，所有能看到该策略的人都可见。',
  openedAt: (when) => `启封于 ${when} UTC`,
  otherSnapshots: (count) => `此前的会话用过 ${count} 个其他数据集，其中可能含有这些行`,
  marks: { unopened: '最新数据已封存，未启封', opened_for: '封存数据：首次检验', after_opening: '启封之后' },
};
