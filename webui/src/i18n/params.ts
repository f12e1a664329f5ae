/** Parameters of an error code, read for texts. */
export type Params = Record<string, unknown>;

/** The sentence that fits the limits that are there; null where there are none. */
export function limits(
  params: Params,
  both: (min: string, max: string) => string,
  low: (min: string) => string,
  high: (max: string) => string,
): string | null {
  const min = params['min'] ?? params['minimum'];
  const max = params['max'] ?? params['maximum'] ?? params['limit'];
  if (min !== undefined && min !== null && max !== undefined && max !== null) return both(String(min), String(max));
  if (min !== undefined && min !== null) return low(String(min));
  if (max !== undefined && max !== null) return high(String(max));
  return null;
}

/** The sentence made of the named parameters; null where one is absent. Lists are joined by commas. */
export function say(params: Params, names: string[], sentence: (...words: string[]) => string): string | null {
  const found = names.map((name) => params[name]);
  if (found.some((value) => value === undefined || value === null)) return null;
  return sentence(...found.map((value) => (Array.isArray(value) ? value.map(String).join(', ') : String(value))));
}
