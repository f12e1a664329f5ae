/** Start: preferences, login, page. */
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { ConfigProvider } from 'antd';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter } from 'react-router';

import { ApiError } from './api/problem';
import { restore } from './api/session';
import { App } from './App';
import { ErrorBoundary } from './components/ErrorBoundary';
import { setPreferences } from './state/preferences';
import { useTheme } from './state/useTheme';
import './styles/base.css';
import './styles/frame.css';
import './styles/parts.css';
import './styles/forms.css';
import './styles/pages.css';
import './styles/cluster.css';
import './styles/results.css';
import { themeOf } from './theme';

const nonce = document.querySelector('meta[name="csp-nonce"]')?.getAttribute('content') ?? '';

const queries = new QueryClient({
  defaultOptions: {
    queries: { staleTime: 5000, refetchOnWindowFocus: true, retry: (times, error) => times < 2 && !(error instanceof ApiError) },
  },
});

function Root() {
  const dark = useTheme() === 'dark';
  return (
    <ConfigProvider csp={{ nonce }} theme={themeOf(dark)} wave={{ disabled: true }} button={{ autoInsertSpace: false }}>
      <QueryClientProvider client={queries}>
        <BrowserRouter>
          <ErrorBoundary>
            <App />
          </ErrorBoundary>
        </BrowserRouter>
      </QueryClientProvider>
    </ConfigProvider>
  );
}

async function start(): Promise<void> {
  await setPreferences({});
  const host = document.getElementById('root');
  if (!host) throw new Error('index.html has no #root');
  createRoot(host).render(
    <StrictMode>
      <Root />
    </StrictMode>,
  );
  await restore();
}

void start();
