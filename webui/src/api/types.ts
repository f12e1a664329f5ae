/** Short names for the generated wire types. Nothing is declared here that the gateway does not declare. */
import type { components } from './generated/openapi';

type Schemas = components['schemas'];

export type StrategyView = Schemas['StrategyView'];
export type StrategyVersionView = Schemas['StrategyVersionView'];
export type DatasetView = Schemas['DatasetView'];
export type BarsView = Schemas['BarsView'];
export type SessionView = Schemas['SessionView'];
export type SessionState = Schemas['SessionState'];
export type SessionKind = Schemas['SessionKind'];
export type TransitionView = Schemas['TransitionView'];
export type CheckpointView = Schemas['CheckpointView'];
export type SeriesView = Schemas['SeriesView'];
export type LogLineView = Schemas['LogLineView'];
export type { ActorView, CapacityView, ClusterView, ConsideredView, LinkView, MemberView, NodeView, QueueEntryView, QuotaView, WhyView, RoomView, NodeRoomView } from './draft';
export type NewSession = Schemas['NewSession'];
export type UserView = Schemas['UserView'];
export type Violation = Schemas['Violation'];
export type Problem = Schemas['Problem'];
export type BacktestReport = Schemas['BacktestReport'];
export type PolicyResult = Schemas['PolicyResult'];
export type Trade = Schemas['Trade'];
export type Validation = Schemas['ConfigCheckResult'];
export type AlgorithmView = Schemas['Algorithm'];
