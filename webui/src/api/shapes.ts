/** Wire shapes that the generated document does not name yet; each becomes an alias of `Schemas[…]` once it does. */
import type { components } from './generated/openapi';

type Schemas = components['schemas'];

/** What a session does. */
export type SessionKind = Schemas['SessionKind'] | 'labelling' | 'evaluation';

/** A session; one that labels has no strategy. */
export type SessionView = Omit<Schemas['SessionView'], 'kind' | 'strategy_id' | 'strategy_name' | 'strategy_version'> & {
  kind: SessionKind;
  strategy_id: string | null;
  strategy_name: string | null;
  strategy_version: number | null;
};

/** One stretch of a labelled series: rows `start` up to, not including, `end`. */
export interface LabelSegment {
  start: number;
  end: number;
  from_ms: number;
  to_ms: number;
  /** Change per row as a share of the first value, in per cent. */
  slope: number;
  label: number;
}

/** Figures of one label's segments; null where undefined. */
export interface LabelMetrics {
  label: number;
  values: Record<string, number | null>;
}

/** A series thinned for drawing, with the label of each point. */
export interface LabelChart {
  times_ms: number[];
  values: number[];
  filtered: number[];
  labels: number[];
}

/** The labelling of one ticker. */
export interface LabelledItem {
  ticker: string;
  row_count: number;
  labels_count: number;
  segments: LabelSegment[];
  turning_points: number[];
  rows_per_label: number[];
  slices_per_label: number[];
  metrics: LabelMetrics[];
  chart: LabelChart;
}

/** What a session of the kind `labelling` leaves behind. */
export interface LabellingReport {
  format: number;
  dataset: string;
  dataset_sha256: string;
  synthetic: boolean;
  hindsight: boolean;
  column: string;
  config: Record<string, unknown>;
  remarks: string[];
  build: string;
  items: LabelledItem[];
}

/** Weights over time: one row per point of the time axis, one column per name. */
export interface WeightCourse {
  names: string[];
  rows: number[][];
}

/** How orders of an execution task went; means are over the tasks. */
export interface ExecutionSummary {
  side: string;
  tasks?: number;
  amount: number;
  executed: number;
  left: number;
  arrival_price: number | null;
  average_price: number | null;
  twap: number | null;
  vwap: number | null;
  /** The headline: cost against the arrival price, fees included. */
  shortfall_bps: number | null;
  shortfall_deviation_bps?: number | null;
  better_than_twap_bps?: number | null;
  cost_bps: number | null;
}

/** A fill; the instrument is named where there are several. */
export type Trade = Schemas['Trade'] & { instrument?: string | null };

/** A policy of a report; reports of before know neither weights nor executions. */
export type PolicyResult = Omit<Schemas['PolicyResult'], 'trades' | 'weights' | 'execution'> & {
  trades: Trade[];
  weights?: WeightCourse | null;
  execution?: ExecutionSummary | null;
};

/** A back-test's report; the task and what is priced are absent from reports of before. */
export type BacktestReport = Omit<Schemas['BacktestReport'], 'agent' | 'baselines'> & {
  agent: PolicyResult;
  baselines: PolicyResult[];
  task?: string;
  instruments?: string[];
  price_name?: string;
};

/** What a data set holds. */
export type DatasetKind = 'bars' | 'panel' | 'trades' | 'book';

/** Something that was done to the data after it was read. */
export interface Transformation {
  name: string;
  detail: string;
  looks_ahead: boolean;
}

/** A data set; those of before know only the bars of one instrument. */
export type DatasetView = Schemas['DatasetView'] & {
  instruments?: string[];
  instrument_count?: number;
  dialect?: string | null;
  levels?: number | null;
  notes?: string[];
  filled?: number;
  looks_ahead?: boolean;
  transformations?: Transformation[];
  parent_sha256?: string | null;
};

/** Binned prices for a chart; of a book the best prices and the spread too. */
export type BarsView = Schemas['BarsView'] & {
  kind?: DatasetKind;
  instrument?: string;
  instruments?: string[];
  bid?: number[] | null;
  ask?: number[] | null;
  spread?: number[] | null;
};

export type Severity = 'info' | 'warning' | 'danger';

/** Something that the quality check found. */
export interface QualityFinding {
  code: string;
  severity: Severity;
  count: number;
  detail: string;
  examples: { row: number; time: string | null; instrument: string | null }[];
  instruments: string[];
}

/** The quality of a data set; no finding means that it is clean. */
export interface QualityView {
  dataset_id: string | null;
  sha256: string | null;
  kind: DatasetKind;
  instrument_count: number;
  rows: number;
  from: string | null;
  to: string | null;
  interval_seconds: number | null;
  score: number;
  worst: Severity | null;
  calendar: string | null;
  findings: QualityFinding[];
  segments: { role: 'train' | 'valid' | 'test'; from: string; to: string; rows: number }[];
}

/** First and last rows of a data set; the two never overlap. */
export interface PreviewView {
  rows: number;
  columns: string[];
  first: (string | null)[][];
  last: (string | null)[][];
  first_row_of_last: number;
}

/** Who uses a data set. */
export interface ConsumersView {
  session_count: number;
  sessions: { id: string; name: string; kind: SessionKind; state: Schemas['SessionState']; created_at: string }[];
  datasets: { id: string; name: string }[];
}

/** What an import of a file would read; nothing is stored. */
export interface InspectionView {
  file: string;
  format: 'csv' | 'parquet';
  ok: boolean;
  detection: {
    dialect: string;
    name: string;
    certainty: 'guess' | 'likely' | 'certain';
    kind: DatasetKind;
    separator: string | null;
    has_header: boolean;
    reason: string;
  } | null;
  source: { columns: string[]; rows: string[][] } | null;
  data: {
    kind: DatasetKind;
    instruments: string[];
    instrument_count: number;
    levels: number | null;
    rows: number;
    from: string;
    to: string;
    interval_seconds: number | null;
    filled: number;
    looks_ahead: boolean;
    transformations: Transformation[];
    columns: string[];
    head: (string | null)[][];
  } | null;
  notes: string[];
  warnings: string[];
  errors: Schemas['Violation'][];
}

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
  segment: 'train' | 'valid' | 'test';
  from: string;
  to: string;
  periods_per_year: number;
  remarks: string[];
  build: string;
  strategy: unknown;
  session: unknown;
  model_sha256: string | null;
  verdict: { outcome: 'shown' | 'not_shown' | 'refuted'; checks: EvaluationCheck[] };
  times_ms: number[];
  policies: { name: string; equity: number[]; drawdown: number[]; sheet: TearSheet }[];
  confidence: number;
  intervals: { name: string; value: number | null; low: number; high: number }[] | null;
  sharpe: {
    psr: number | null;
    dsr: number | null;
    benchmark: number | null;
    trials: number;
    trials_lost: number;
    track_record_min: number | null;
    track_record: number;
  } | null;
  overfitting: { probability: number; splits: number; rows: number; slope: number | null; loss_share: number; logits: number[] } | null;
  snooping: { benchmark: string; p_lower: number; p_consistent: number; p_upper: number; better: string[] } | null;
  seeds: { count: number; iqm: { value: number; interval: { low: number; high: number } }; scores: number[] } | null;
  costs: { rungs: { multiplier: number; total_return: number | null }[]; break_even: BreakEven } | null;
  folds: { scheme: string; items: EvaluationFold[]; paths: { total_return: number | null; sharpe: number | null }[] } | null;
  regimes: { label_count: number; rows: LabelPerformance[]; benchmark: LabelPerformance[] | null } | null;
  oracle: { total_return: number | null; share: number | null } | null;
  radar: { scores: Record<string, number | null>; profitability: number | null; risk_control: number | null } | null;
  prudex: Record<string, number | null> | null;
  causality: { passed: boolean; detail: string } | null;
  missing: { part: string; reason: string }[];
}
