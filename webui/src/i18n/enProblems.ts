/** Headlines by error code, and violations by code and parameters. */
import { limits, type Params, say } from './params';

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
  password_change_required: 'Choose your own password first',
  unreachable: 'The node cannot be reached',
  client: 'The page made an error',
};

/** What is wrong with data: wanted, found, what to do next. */
function faultSaid(p: Params, head: string): string | null {
  const next = typeof p['next'] === 'string' && p['next'] !== '' ? ` ${p['next'].replace(/[.?]?$/, (end) => end || '.')}` : '';
  return say(p, ['wanted', 'found'], (wanted, found) => `${head}: wanted ${wanted}; found ${found}.${next}`);
}

/** Every code of the gateway's list (`x-codes` in its description) and those of the forms; null means: say `detail`. */
export const enViolations = {
  archived: (p: Params): string | null => say(p, ['name'], (name) => `“${name}” is archived; choose one that is not.`),
  control_characters: (): string | null => 'Must be one line of text without control characters.',
  data_bar: (p: Params): string | null => faultSaid(p, 'This bar contradicts itself or is of an impossible size'),
  data_cell: (p: Params): string | null => faultSaid(p, 'This cell cannot be read'),
  data_columns: (p: Params): string | null => faultSaid(p, 'The columns do not fit'),
  data_empty: (p: Params): string | null => faultSaid(p, 'There is nothing to import'),
  data_instrument: (p: Params): string | null => faultSaid(p, 'Choose one instrument'),
  data_snapshot: (p: Params): string | null => faultSaid(p, 'The stored data is damaged'),
  data_time: (p: Params): string | null => faultSaid(p, 'The times do not fit'),
  data_toolarge: (p: Params): string | null => faultSaid(p, 'Too large'),
  data_unreadable: (p: Params): string | null => faultSaid(p, 'The file cannot be read at all'),
  does_not_learn: (p: Params): string | null => say(p, ['algorithm'], (rule) => `“${rule}” is a rule and does not learn. Choose a back-test, or a strategy that learns.`),
  invalid_type: (p: Params): string | null => say(p, ['expected'], (kind) => `Must be of type ${kind}.`),
  missing_field: (): string | null => 'This is required.',
  no_costs: (): string | null => 'Without fee and slippage every figure is flattered.',
  no_model: (p: Params): string | null => say(p, ['state'], (state) => `This session has no model yet (${state}). Wait until it has completed.`),
  not_a_number: (): string | null => 'This is not a number.',
  not_allowed: (p: Params): string | null => say(p, ['allowed'], (allowed) => `Must be one of: ${allowed}.`),
  not_an_identifier: (p: Params): string | null => say(p, ['prefix'], (prefix) => `This is no identifier. It begins with ${prefix}_; copy it from the list.`),
  not_an_integer: (): string | null => 'This is not a whole number.',
  not_at_least: (p: Params): string | null => say(p, ['field', 'limit'], (field, limit) => `Must be at least ${field} (${limit}).`),
  not_at_most: (p: Params): string | null => say(p, ['field', 'limit'], (field, limit) => `Must be at most ${field} (${limit}).`),
  not_finite: (): string | null => 'Must be a finite number.',
  not_found: (p: Params): string | null => say(p, ['id'], (id) => `${id} does not exist, or you may not see it.`),
  not_hashed: (): string | null => 'The password must be hashed before it is stored.',
  not_of_strategy: (p: Params): string | null => say(p, ['strategy'], (strategy) => `This session trained “${strategy}”; test its model with that strategy.`),
  not_sealed: (): string => 'The strategy seals nothing. Choose another segment, or seal a share of the rows in a new version.',
  not_trained: (p: Params): string | null => say(p, ['algorithm'], (algorithm) => `“${algorithm}” has to be trained first. Name the training session whose model is to be tested.`),
  not_training: (): string | null => 'This session is no training.',
  optimistic_fill: (): string | null => 'Fills at the close just observed cannot be had in a market; reports are marked.',
  out_of_range: (p: Params): string | null =>
    limits(p, (min, max) => `Must lie between ${min} and ${max}.`, (min) => `Must be at least ${min}.`, (max) => `Must be at most ${max}.`),
  required: (): string | null => 'This is required.',
  sealed: (p: Params): string | null => say(p, ['share'], (share) => `The newest rows (a share of ${share}) are sealed. Open the strategy’s seal first, which can be done once.`),
  shares: (p: Params): string | null => say(p, ['train', 'valid'], (train, valid) => `Training and validation (${train} + ${valid}) must leave something for the test: together below 1.`),
  too_short: (p: Params): string | null =>
    say(p, ['rows', 'needed'], (rows, needed) => `The data has ${rows} bars; this configuration needs at least ${needed}.`) ??
    say(p, ['rows'], (rows) => `The data has ${rows} bars, too few for this configuration.`),
  unchanged: (): string | null => 'Must differ from the current password.',
  unknown_field: (p: Params): string | null => (p['suggestion'] ? `This setting does not exist. Did you mean “${String(p['suggestion'])}”?` : say(p, ['allowed'], (allowed) => `This setting does not exist. Known are: ${allowed}.`)),
  unknown_zone: (p: Params): string | null =>
    Array.isArray(p['near']) && p['near'].length > 0 ? `There is no time zone “${String(p['got'])}”. Did you mean ${p['near'].join(' or ')}?` : say(p, ['got'], (got) => `There is no time zone “${got}”. Name one such as Europe/Berlin, or a distance such as +05:30.`),
  unlike_training: (p: Params): string | null => say(p, ['trained', 'wanted'], (trained, wanted) => `Differs from the training: trained with ${trained}, found ${wanted}.`),
  unreadable: (p: Params): string | null => say(p, ['reason'], (reason) => `Cannot be read: ${reason}.`),
  user_name: (p: Params): string | null => say(p, ['max'], (max) => `A user name has 1 to ${max} characters of a–z A–Z 0–9 . _ - @.`),
  verification_only: (): string | null => 'Faithful mode repeats the reference system’s errors and its look-ahead: use it to verify, not to judge.',
  weak_password: (p: Params): string | null => {
    if (p['reason'] === 'length') return say(p, ['min', 'max'], (min, max) => `Must have ${min} to ${max} characters.`);
    return p['reason'] === 'name' ? 'Must not contain your user name.' : 'This is one of the passwords that attackers try first. Choose another.';
  },
  wrong_password: (): string | null => 'This is not your password.',
};
