/** The splits of the overfitting test can be read without the drawings. */
import { fireEvent, render, screen, within } from '@testing-library/react';
import { describe, expect, it } from 'vitest';

import type { Overfitting } from '../../api/types';
import { OverfittingCard } from './OverfittingCard';

const overfitting: Overfitting = {
  probability: 0.5, splits: 4, rows: 40, slope: -0.5, loss_share: 0.5,
  logits: [-1.1, -0.4, 0.4, 1.1],
  chosen: [{ inside: 0.2, outside: -0.1 }, { inside: 0.1, outside: 0.05 }, { inside: 0.3, outside: 0.1 }, { inside: 0.25, outside: -0.02 }],
};

describe('the splits of the overfitting test', () => {
  it('are drawn with one point each and tabulated', () => {
    const { container } = render(<OverfittingCard overfitting={overfitting} />);
    expect(container.querySelectorAll('circle')).toHaveLength(4);
    expect(container.querySelectorAll('circle.split-bad')).toHaveLength(2);
    fireEvent.click(screen.getByRole('button', { name: 'Table: Fit and result' }));
    expect(within(screen.getByRole('table', { name: 'Fit and result' })).getAllByRole('row')).toHaveLength(5);
    fireEvent.click(screen.getByRole('button', { name: 'Table: Logits of the splits' }));
    expect(screen.getByRole('table', { name: 'Logits of the splits' })).toBeTruthy();
  });

  it('of an older report have no points', () => {
    render(<OverfittingCard overfitting={{ ...overfitting, chosen: [] }} />);
    expect(screen.queryByRole('img', { name: 'Fit and result' })).toBeNull();
    expect(screen.getByRole('img', { name: 'Logits of the splits' })).toBeTruthy();
  });
});
