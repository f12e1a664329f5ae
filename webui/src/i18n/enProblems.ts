/** Headlines by error code, and violations by code and parameters. */
import { limits, type Params } from './params';

export const enProblems = {
  malformed: 'The request could not be read',
  bad_cursor: 'This list has moved on; load it again',
  unknown_parameter: 'A parameter is not known',
  idempotency_key_required: 'The request lacks its key',
  unauthenticated: 'User or password is wrong',
  token_expired: 'Your login has expired',
  forbidden: 'You are not allowed to do this',
  step_up_required: 'A second factor is needed for this',
  not_found: 'Not found',
  method_not_allowed: 'This is not possible here',
  conflict: 'This collides with what is there',
  illegal_transition: 'Not possible in the current state',
  command_in_progress: 'The same command is still running',
  in_use: 'Still in use',
  stale_revision: 'Somebody else changed it meanwhile',
  too_large: 'Too large',
  unsupported_media_type: 'This type of file is not read',
  validation_failed: 'Some fields are not acceptable',
  risk_denied: 'Refused by a risk guard',
  idempotency_mismatch: 'The request was sent twice with different contents',
  precondition_required: 'The revision is missing',
  rate_limited: 'Too many requests; wait a moment',
  internal: 'The node made an error',
  no_quorum: 'The cluster has no majority right now',
  draining: 'This node is going down',
  overloaded: 'The node is overloaded',
  audit_unavailable: 'The audit log cannot be written',
  node_unreachable: 'The owning node does not answer',
  deadline_exceeded: 'No answer in time; it may still have taken effect',
  unreachable: 'The node cannot be reached',
  client: 'The page made an error',
};

export const enViolations = {
  unknown_field: (p: Params): string | null => (p['suggestion'] ? `This setting does not exist. Did you mean “${String(p['suggestion'])}”?` : null),
  not_finite: (): string | null => 'Must be a finite number.',
  not_a_number: (): string | null => 'This is not a number.',
  not_an_integer: (): string | null => 'This is not a whole number.',
  required: (): string | null => 'This is required.',
  missing_field: (): string | null => 'This is required.',
  out_of_range: (p: Params): string | null =>
    limits(p, (min, max) => `Must lie between ${min} and ${max}.`, (min) => `Must be at least ${min}.`, (max) => `Must be at most ${max}.`),
};
