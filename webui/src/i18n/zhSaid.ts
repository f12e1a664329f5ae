/** 引擎英文句子的中文说法。 */
import { translator } from './sentences';
import { zhSentences } from './zhSentences';

/** 句中的单词。 */
export const zhWords: Record<string, string> = {
  never: '此时间不存在', twice: '此时间出现两次', train: '训练段', valid: '验证段', test: '测试段', training: '训练段', validation: '验证段',
  AlwaysOpen: '全年开放', UsEquities: '美国股市', ForexWeek: '外汇周', ChinaAShares: '中国 A 股', adjusted: '复权', filled: '补全', resampled: '合成',
  trades: '逐笔成交', bars: 'K 线', panel: 'K 线面板', book: '订单簿', notes: '备注', warnings: '提示', nothing: '空', none: '无', more: '更多', numbers: '数字', Outer: '全部时间', Inner: '共有时间',
  Backward: '后向', Forward: '前向',
};

/** 把一句话译成中文；不认识的原样返回。 */
export const saidInChinese = translator(zhSentences, zhWords);
