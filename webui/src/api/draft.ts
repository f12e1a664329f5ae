/** Scratch. */
export interface ClusterView { id: string | null; version: number; alone: boolean; leader: string | null; term: number; applied_index: number; quorum: boolean; voter_count: number; voters_up: number; losses_tolerated: number; members: MemberView[] }
export interface MemberView { node: string; role: string; number: number; address: string; state: string; up: boolean; lag: number | null; incarnation: number; version: string }
export interface LinkView { peer: string; state: string; rtt_ms: number | null; since_ms: number; redials: number; bytes_in: number; bytes_out: number; drops: number; messages_under_way: number; reason: string | null }
export interface NodeView { id: string; state: string; reason: string; up: boolean; down_since: string | null; address: string; gateway_url: string; labels: Record<string, string>; roles: string[]; version: string; incarnation: number; started_at: string; cpu_capacity: number; cpu_reserved: number; cpu_ratio: number | null; memory_capacity_mib: number; memory_reserved_mib: number; memory_used_bytes: number | null; gpu_capacity: number; gpu_reserved: number; session_count: number; disk_free_ratio: number | null; sampled_at: string | null }
export interface ActorView { name: string; supervisor: string | null; state: string; restart_count: number; last_error: string | null; queue_age_ms: number | null; node: string }
export interface QueueEntryView { session_id: string; name: string; position: number; priority: number; reason: string; reason_code: string; reason_params: Record<string, string>; created_at: string }
export interface AmountView { total: number; reserved: number; free: number }
export interface RoomView { cores: AmountView; memory_mib: AmountView; gpus: AmountView }
export interface NodeRoomView extends RoomView { node: string; state: string; up: boolean; open: boolean }
export interface CapacityView { nodes: NodeRoomView[]; total: RoomView }
export interface QuotaView { id: string; scope: string; name: string; sessions_max: number | null; cpu_max: number | null; memory_mib_max: number | null; gpus_max: number | null; weight: number; revision: number; updated_at: string }
export interface ConsideredView { node: string; fits: boolean; lacks: string[] }
export interface WhyView { session_id: string; state: import('./generated/openapi').components['schemas']['SessionState']; reason: string; reason_code: string | null; reason_params: Record<string, string>; position: number | null; node: string | null; epoch: number; since: string; considered: ConsideredView[] }
