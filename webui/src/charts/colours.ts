/** Colours of charts, taken from the page's own variables so that both appearances fit. */

/** The value of a CSS variable. */
export function cssColour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** The same colour, see-through. Only for `#rrggbb`. */
export function faded(colour: string, alpha: number): string {
  const part = Math.round(alpha * 255).toString(16).padStart(2, '0');
  return colour.startsWith('#') && colour.length === 7 ? colour + part : colour;
}

/** Colours of curves in order. */
export const CURVE_COLOURS = ['curve-1', 'curve-2', 'curve-3', 'curve-4'] as const;
