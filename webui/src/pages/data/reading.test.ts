/** The import form's entries become the gateway's words. */
import { describe, expect, it } from 'vitest';

import { uploadQuery } from '../../api/datasets';
import { optionsOf, partsOf, READ_AS_FOUND } from './reading';

describe('how a file is read', () => {
  it('is left to the node where nothing was chosen', () => {
    expect(optionsOf(READ_AS_FOUND)).toEqual({});
  });

  it('carries what was chosen, trimmed', () => {
    const reading = { ...READ_AS_FOUND, dialect: 'yahoo', kind: 'panel', timezone: ' +05:30 ', instruments: 'AAPL, MSFT;  KO', resample: '1d', from: '2012-01-01' };
    expect(optionsOf(reading)).toEqual({ dialect: 'yahoo', kind: 'panel', timezone: '+05:30', instruments: 'AAPL,MSFT,KO', resample: '1d', from: '2012-01-01' });
  });

  it('gives a limit only to what fills in, and consent only to what looks ahead', () => {
    expect(optionsOf({ ...READ_AS_FOUND, missing: 'drop', limit: '3', lookAhead: true })).toEqual({ missing: 'drop' });
    expect(optionsOf({ ...READ_AS_FOUND, missing: 'forward_fill', limit: '3', lookAhead: true })).toEqual({ missing: 'forward_fill:3' });
    expect(optionsOf({ ...READ_AS_FOUND, missing: 'interpolate', lookAhead: true })).toEqual({ missing: 'interpolate', accept_look_ahead: 'true' });
  });

  it('offers the columns of trades for trades', () => {
    expect(partsOf('trades')).toContain('price');
    expect(partsOf('trades')).not.toContain('open');
    expect(partsOf('')).toContain('close');
  });

  it('stands in the address beside name and mapping', () => {
    const query = uploadQuery({ name: 'a b', instrument: '', format: 'csv', mapping: { time: 'Date', close: '' }, options: { dialect: 'yahoo', kind: '' }, file: new File(['x'], 'a.csv') });
    expect(query.toString()).toBe('format=csv&file=a.csv&name=a+b&map.time=Date&dialect=yahoo');
  });
});
