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
export type AlgorithmView = Schemas['Algorithm'];
