/** Catches what a page threw while drawing, so that the frame stays usable. */
import { Button } from 'antd';
import { Component, type ReactNode } from 'react';

import { useTexts } from '../i18n';

interface State {
  error: Error | null;
}

/** Shows its children, or what went wrong with them. */
export class ErrorBoundary extends Component<{ children: ReactNode }, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(error: Error): State {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (!error) return this.props.children;
    const { text } = useTexts.getState();
    return (
      <div className="note note-bad" role="alert">
        <h1>{text.common.crashedTitle}</h1>
        <p>{text.common.crashedHelp}</p>
        <p className="hint">{error.message}</p>
        <Button onClick={() => location.reload()}>{text.common.reload}</Button>
      </div>
    );
  }
}
