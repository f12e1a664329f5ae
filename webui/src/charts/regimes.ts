/** Colours, names and series of labelled regimes. Pure. */
import type { LabelChart } from '../api/types';
import type { Dictionary } from '../i18n/en';

/** Dark purple, blue, light orange: each lighter than the one before, so that the order reads without colour. */
const ANCHORS: [number, number, number][] = [[0x3b, 0x0f, 0x6f], [0x2f, 0x6f, 0xd0], [0xff, 0xc0, 0x7a]];

type Triple = [number, number, number];

const toLinear = (byte: number): number => {
  const share = byte / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
};
const fromLinear = (share: number): number => {
  const bent = share <= 0.003_130_8 ? share * 12.92 : 1.055 * share ** (1 / 2.4) - 0.055;
  return Math.round(255 * Math.min(1, Math.max(0, bent)));
};

/** Oklab (Ottosson 2020): equal steps look equal. */
function toLab(colour: Triple): Triple {
  const [r, g, b] = colour.map(toLinear) as Triple;
  const l = Math.cbrt(0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b);
  const m = Math.cbrt(0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b);
  const s = Math.cbrt(0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b);
  return [
    0.210_454_255_3 * l + 0.793_617_785 * m - 0.004_072_046_8 * s,
    1.977_998_495_1 * l - 2.428_592_205 * m + 0.450_593_709_9 * s,
    0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766 * s,
  ];
}

function fromLab([lightness, a, b]: Triple): Triple {
  const l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b) ** 3;
  const m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b) ** 3;
  const s = (lightness - 0.089_484_177_5 * a - 1.291_485_548 * b) ** 3;
  return [
    fromLinear(4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s),
    fromLinear(-1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s),
    fromLinear(-0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701 * s),
  ];
}

/** The colour of label `label` of `count`, as `#rrggbb`. */
export function regimeColour(label: number, count: number): string {
  const place = count <= 1 ? 0 : (Math.min(Math.max(label, 0), count - 1) / (count - 1)) * (ANCHORS.length - 1);
  const at = Math.min(Math.floor(place), ANCHORS.length - 2);
  const [from, to] = [toLab(ANCHORS[at] as Triple), toLab(ANCHORS[at + 1] as Triple)];
  const mixed = from.map((value, index) => value + (place - at) * ((to[index] ?? value) - value)) as Triple;
  return `#${fromLab(mixed).map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

/** What a label means among `count`; empty where its number says all. */
export function regimeName(label: number, count: number, text: Dictionary): string {
  if (label === 0) return text.labelling.steepestFall;
  if (label === count - 1) return text.labelling.steepestRise;
  return count % 2 === 1 && label === (count - 1) / 2 ? text.labelling.middle : '';
}

/**
 * One series per label over the shared time axis: the value where the point has the label, null elsewhere. A point where
 * the label changes also ends the line of the label before, so that the price is one unbroken line.
 */
export function regimeSeries(chart: Pick<LabelChart, 'values' | 'labels'>, count: number): (number | null)[][] {
  const series: (number | null)[][] = Array.from({ length: count }, () => new Array<number | null>(chart.values.length).fill(null));
  chart.values.forEach((value, index) => {
    const label = chart.labels[index];
    const before = chart.labels[index - 1];
    for (const each of new Set([label, before])) {
      const line = each === undefined ? undefined : series[each];
      if (line) line[index] = Number.isFinite(value) ? value : null;
    }
  });
  return series;
}
