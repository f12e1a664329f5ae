/** Wire shapes of an evaluation, until the generated document names them: then each becomes an alias of `Schemas[…]`. */
import type { components } from './generated/openapi';

/** One row of the table of drawdowns. */
export interface DrawdownRow {
  start_ms: number;
  valley_ms: number;
  recovery_ms: number | null;
  depth: number;
  fall_bars: number;
  recovery_bars: number | null;
}

/** The return of one calendar period, for example of `2024-02`. */
export interface PeriodReturn {
  label: string;
  value: number;
}

/** Every figure of one run; null where undefined. */
export interface TearSheet {
  figures: Record<string, number | null>;
  drawdowns: DrawdownRow[];
  periods: Record<string, PeriodReturn[]>;
  autocorrelation: (number | null)[];
}

/** One test of a verdict. */
export interface EvaluationCheck {
  code: string;
  outcome: 'passed' | 'failed' | 'undefined';
  /** Whether the verdict rests on it. */
  required: boolean;
  params: Record<string, unknown>;
  detail: string;
}

/** What one run earned under one label. */
export interface LabelPerformance {
  label: number;
  bar_count: number;
  run_count: number;
  total_return: number | null;
  volatility: number | null;
  sharpe: number | null;
  sortino: number | null;
  max_drawdown: number | null;
}

/** Where rising costs eat the profit. */
export interface BreakEven {
  kind: 'at' | 'no_profit' | 'beyond' | 'undefined';
  multiplier?: number;
}

/** A stretch on which a policy was tested by itself. */
export interface EvaluationFold {
  name: string;
  from_ms: number;
  to_ms: number;
  times_ms: number[];
  equity: number[];
  total_return: number | null;
  sharpe: number | null;
  max_drawdown: number | null;
}

/** What a session of the kind `evaluation` leaves behind; parts that could not be computed are null, `missing` says why. */
export interface EvaluationReport {
  format: number;
  task: string;
  dataset: string;
  dataset_sha256: string;
  synthetic: boolean;
  instruments: string[];
  truth: 'faithful' | 'corrected';
  segment: 'train' | 'valid' | 'test' | 'sealed';
  seal?: components['schemas']['SealMark'];
  from: string;
  to: string;
  bar_count: number;
  periods_per_year: number;
  remarks: string[];
  build: string;
  strategy: unknown;
  session: unknown;
  /** One per trained model; empty for a rule. */
  model_sha256: string[];
  verdict: { outcome: 'shown' | 'not_shown' | 'refuted'; checks: EvaluationCheck[] };
  times_ms: number[];
  policies: { name: string; equity: number[]; drawdown: number[]; sheet: TearSheet; costs: number; refusal_count: number }[];
  confidence: number;
  intervals: { name: string; value: number | null; low: number; high: number }[] | null;
  random_percentile: number | null;
  sharpe: {
    ratio: number;
    psr: number | null;
    dsr: number | null;
    dsr_effective: number | null;
    benchmark: number | null;
    trials: number;
    trials_effective: number | null;
    trials_lost: number;
    track_record_min: number | null;
    track_record: number;
  } | null;
  overfitting: { probability: number; splits: number; rows: number; slope: number | null; loss_share: number; logits: number[] } | null;
  snooping: { benchmark: string; candidates: string[]; statistic: number; p_lower: number; p_consistent: number; p_upper: number; better: string[] } | null;
  seeds: {
    count: number;
    names: string[];
    /** Total return of each. */
    scores: number[];
    iqm: { value: number; interval: { low: number; high: number } };
    profile: { threshold: number; share: number }[];
  } | null;
  costs: { rungs: { multiplier: number; total_return: number | null }[]; break_even: BreakEven } | null;
  folds: { scheme: string; items: EvaluationFold[]; paths: { total_return: number | null; sharpe: number | null; max_drawdown: number | null }[] } | null;
  regimes: { label_count: number; rows: LabelPerformance[]; benchmark: LabelPerformance[] } | null;
  oracle: { total_return: number | null; share: number | null } | null;
  radar: { scores: Record<string, number | null>; profitability: number | null; risk_control: number | null } | null;
  causality: { passed: boolean; cuts: number; detail: string } | null;
  missing: { part: string; reason: string }[];
}
