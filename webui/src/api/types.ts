/** Short names for the generated wire types. Nothing is declared here that the gateway does not declare. */
import type { components } from './generated/openapi';

export type * from './shapes';

type Schemas = components['schemas'];

export type StrategyView = Schemas['StrategyView'];
export type StrategyVersionView = Schemas['StrategyVersionView'];
export type SessionState = Schemas['SessionState'];
export type TransitionView = Schemas['TransitionView'];
export type CheckpointView = Schemas['CheckpointView'];
export type SeriesView = Schemas['SeriesView'];
export type LogLineView = Schemas['LogLineView'];
export type ActorView = Schemas['ActorView'];
export type CapacityView = Schemas['CapacityView'];
export type ClusterView = Schemas['ClusterView'];
export type ConsideredView = Schemas['ConsideredView'];
export type LinkView = Schemas['LinkView'];
export type MemberView = Schemas['MemberView'];
export type Placement = Schemas['Placement'];
export type NodeView = Schemas['NodeView'];
export type NodeRoomView = Schemas['NodeRoomView'];
export type QueueEntryView = Schemas['QueueEntryView'];
export type QuotaLimits = Schemas['QuotaLimits'];
export type QuotaView = Schemas['QuotaView'];
export type RoomView = Schemas['RoomView'];
export type WhyView = Schemas['WhyView'];
export type NewSession = Schemas['NewSession'];
export type UserView = Schemas['UserView'];
export type Violation = Schemas['Violation'];
export type Problem = Schemas['Problem'];
export type Validation = Schemas['ConfigCheckResult'];
export type SessionView = Schemas['SessionView'];
export type SessionKind = Schemas['SessionKind'];
export type DatasetView = Schemas['DatasetView'];
export type DatasetKind = Schemas['DataKind'];
export type BarsView = Schemas['BarsView'];
export type QualityView = Schemas['QualityView'];
export type QualityFinding = Schemas['FindingView'];
export type Severity = QualityFinding['severity'];
export type PreviewView = Schemas['PreviewView'];
export type ConsumersView = Schemas['ConsumersView'];
export type InspectionView = Schemas['InspectionView'];
/** What is done to another data set; what is left out is not done. */
export type DerivedDataset = Pick<Schemas['DerivedDataset'], 'dataset_id'> & Partial<Schemas['DerivedDataset']>;
export type VerificationView = Schemas['VerificationView'];
export type LabellingReport = Schemas['LabellingReport'];
export type LabelledItem = Schemas['LabelledInstrument'];
export type LabelSegment = Schemas['LabelledSegment'];
export type LabelChart = Schemas['LabelChart'];
export type BacktestReport = Schemas['BacktestReport'];
export type PolicyResult = Schemas['PolicyResult'];
export type WeightCourse = Schemas['WeightCourse'];
export type ExecutionSummary = Schemas['ExecutionSummary'];
export type Trade = Schemas['Trade'];
export type AlgorithmView = Schemas['Algorithm'];
