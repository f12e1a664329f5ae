/** The start page: a labelling asks for data alone, everything else for a strategy. */
import { fireEvent, screen, waitFor } from '@testing-library/react';
import { describe, expect, it } from 'vitest';

import { list, serve, show } from '../../testing/server';
import StartSessionPage from './StartSessionPage';

const SCHEMA = {
  type: 'object',
  properties: {
    kind: { const: 'labelling', type: 'string' }, label_count: { type: 'integer', minimum: 2, default: 3 }, min_length: { type: 'integer', default: 12 },
    max_length: { type: 'integer', default: 120 }, merge_threshold: { type: ['number', 'null'], default: 0.03 }, data: { type: ['string', 'null'], default: null, 'x-file-only': true },
  },
};
const DEFAULTS = { kind: 'labelling', label_count: 3, min_length: 12, max_length: 120, merge_threshold: 0.03, data: null };
const DATASET = { id: 'dst_1', name: 'market', kind: 'bars', rows: 500, synthetic: true };

const answers = {
  'GET /strategies': () => list([]),
  'GET /datasets': () => list([DATASET]),
  'GET /algorithms': () => [],
  'GET /sessions': () => list([]),
  'GET /schemas/session/labelling': () => SCHEMA,
  'GET /schemas/session/labelling/defaults': () => DEFAULTS,
  'POST /configs:validate': () => ({ ok: true, errors: [], warnings: [], effective: null, hash: null }),
  'POST /sessions': () => ({ id: 'ses_1' }),
};

describe('starting a labelling', () => {
  it('needs no strategy and sends none', async () => {
    const asked = serve(answers);
    show(<StartSessionPage />, '/sessions/new?kind=labelling');
    expect(await screen.findByLabelText('Number of labels')).toBeTruthy();
    expect(screen.queryByLabelText('Strategy')).toBeNull();
    expect(screen.queryByLabelText('Data')).toBeNull();
    fireEvent.change(screen.getByLabelText('Preset'), { target: { value: 'five' } });
    expect((screen.getByLabelText('Number of labels') as HTMLInputElement).value).toBe('5');
    await waitFor(() => expect((screen.getByRole('button', { name: 'Start' }) as HTMLButtonElement).disabled).toBe(false));
    fireEvent.click(screen.getByRole('button', { name: 'Start' }));
    await waitFor(() => expect(asked.some((each) => each.method === 'POST' && each.path === '/sessions')).toBe(true));
    const sent = asked.find((each) => each.method === 'POST' && each.path === '/sessions')?.body;
    expect(sent).toMatchObject({ name: 'market Labelling', strategy_id: null, strategy_version: null, dataset_id: 'dst_1', config: { kind: 'labelling', label_count: 5, min_length: 24 } });
  });

  it('is not offered for other kinds without a strategy', async () => {
    serve({ ...answers, 'GET /schemas/session/evaluation': () => SCHEMA, 'GET /schemas/session/evaluation/defaults': () => DEFAULTS });
    show(<StartSessionPage />, '/sessions/new?kind=evaluation');
    expect(await screen.findByText('There is no strategy to run yet.')).toBeTruthy();
  });
});
