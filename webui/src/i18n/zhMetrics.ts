/** 指标名称。 */
import type { enMetrics } from './enMetrics';

export const zhMetrics: Record<keyof typeof enMetrics, string> = {
  loss: '损失',
  q_mean: '平均 Q 值',
  epsilon: '探索率',
  episode_return: '回合收益',
  episode_drawdown: '回合回撤',
  gradient_norm: '梯度范数',
  valid_total_return: '验证收益率',
  valid_sharpe: '验证夏普比率',
  valid_max_drawdown: '验证最大回撤',
  total_return: '总收益率',
  volatility: '年化波动率',
  sharpe: '夏普比率',
  sortino: '索提诺比率',
  calmar: '卡玛比率',
  max_drawdown: '最大回撤',
  turnover: '换手率',
  win_rate: '胜率',
};
