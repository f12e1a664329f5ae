/** A data set is made of another one: what results is shown before it is created. */
import { fireEvent, screen, waitFor } from '@testing-library/react';
import { Route, Routes } from 'react-router';
import { describe, expect, it } from 'vitest';

import { list, serve, show } from '../../testing/server';
import DerivePage from './DerivePage';

const PARENT = {
  id: 'dst_1', name: 'prices', kind: 'panel', instrument: '2 instruments', instruments: ['A', 'B'], instrument_count: 2, interval_seconds: 86_400, rows: 500, from: '2020-01-01T00:00:00Z', to: '2021-05-14T00:00:00Z',
  sha256: '0'.repeat(64), size_bytes: 1000, source: 'prices.csv', synthetic: false, columns: ['close'], warnings: [], created_at: '2026-01-01T00:00:00Z', revision: 1,
};
const RESULT = {
  file: 'prices', format: 'dataset', ok: true, detection: null, source: null, notes: [], warnings: [], errors: [],
  data: {
    kind: 'panel', instruments: ['A', 'B'], instrument_count: 2, levels: null, rows: 100, from: '2020-01-01T00:00:00Z', to: '2021-05-14T00:00:00Z', interval_seconds: 604_800, filled: 3, looks_ahead: false,
    transformations: [{ name: 'resample', detail: 'to weeks', looks_ahead: false }], columns: ['time', 'close'], head: [['2020-01-03', '1.5']],
  },
};

function page() {
  return show(<Routes><Route path="/data/:id/derive" element={<DerivePage />} /><Route path="/data/:id" element={<p>the new one</p>} /></Routes>, '/data/dst_1/derive');
}

describe('deriving a data set', () => {
  it('shows what results, then creates it with the same words', async () => {
    const asked = serve({ 'GET /datasets/dst_1': () => PARENT, 'GET /datasets': () => list([]), 'POST /datasets:inspect': () => RESULT, 'POST /datasets': () => ({ ...PARENT, id: 'dst_2', name: 'weeks' }) });
    page();
    fireEvent.change(await screen.findByLabelText('Resample to'), { target: { value: '1w' } });
    fireEvent.change(screen.getByLabelText('Missing values'), { target: { value: 'forward_fill' } });
    fireEvent.change(screen.getByLabelText('At most in a row'), { target: { value: '3' } });
    fireEvent.change(screen.getByLabelText('Only these instruments'), { target: { value: 'A, B' } });
    expect(await screen.findByText(/This data set can be made/)).toBeTruthy();
    await waitFor(() => {
      const last = asked.filter((one) => one.path === '/datasets:inspect').at(-1);
      expect(last?.body).toEqual({ from: { dataset_id: 'dst_1', resample: '1w', missing: 'forward_fill:3', instruments: ['A', 'B'] } });
    });
    fireEvent.change(screen.getByLabelText('Name'), { target: { value: ' weeks ' } });
    expect(screen.getByText('tm data derive dst_1 --name weeks --resample 1w --missing forward_fill:3 --instruments A,B')).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: 'Create' }));
    expect(await screen.findByText('the new one')).toBeTruthy();
    expect(asked.find((one) => one.method === 'POST' && one.path === '/datasets')?.body).toEqual({
      name: 'weeks', from: { dataset_id: 'dst_1', resample: '1w', missing: 'forward_fill:3', instruments: ['A', 'B'] },
    });
  });

  it('asks for a step and a name before anything is sent', async () => {
    const asked = serve({ 'GET /datasets/dst_1': () => PARENT });
    page();
    fireEvent.click(await screen.findByRole('button', { name: 'Create' }));
    expect((await screen.findByRole('alert')).textContent).toMatch(/at least one step/);
    expect(asked.filter((one) => one.method === 'POST')).toEqual([]);
  });

  it('offers corporate actions where prices are adjusted', async () => {
    const asked = serve({ 'GET /datasets/dst_1': () => PARENT, 'POST /datasets:inspect': () => RESULT });
    page();
    fireEvent.change(await screen.findByLabelText('Adjust for'), { target: { value: 'backward' } });
    fireEvent.change(screen.getByLabelText('Splits and dividends'), { target: { value: 'A@2020-08-31:split:4\nB@2020-09-01:dividend:0.5\n' } });
    await waitFor(() => {
      const last = asked.filter((one) => one.path === '/datasets:inspect').at(-1);
      expect(last?.body).toEqual({ from: { dataset_id: 'dst_1', adjust: 'backward', actions: ['A@2020-08-31:split:4', 'B@2020-09-01:dividend:0.5'] } });
    });
  });
});
