/** The frame: login or pages, the top bar, the way between pages, and where each page's code is loaded. */
import { lazy, Suspense, useEffect } from 'react';
import { Outlet, Route, Routes, useLocation } from 'react-router';

import { useLogin } from './api/session';
import { ErrorBoundary } from './components/ErrorBoundary';
import { Loading } from './components/Loading';
import { SideNav } from './components/SideNav';
import { Toasts } from './components/Toasts';
import { TopBar } from './components/TopBar';
import { startStream } from './live/socket';
import { FirstPasswordPage } from './pages/login/FirstPasswordPage';
import { LoginPage } from './pages/login/LoginPage';

const DashboardPage = lazy(() => import('./pages/dashboard/DashboardPage'));
const StrategiesPage = lazy(() => import('./pages/strategies/StrategiesPage'));
const StrategyEditorPage = lazy(() => import('./pages/strategies/StrategyEditorPage'));
const SessionsPage = lazy(() => import('./pages/sessions/SessionsPage'));
const StartSessionPage = lazy(() => import('./pages/sessions/StartSessionPage'));
const SessionPage = lazy(() => import('./pages/sessions/SessionPage'));
const ReportPage = lazy(() => import('./pages/reports/ReportPage'));
const LabelsPage = lazy(() => import('./pages/labels/LabelsPage'));
const EvaluationPage = lazy(() => import('./pages/evaluation/EvaluationPage'));
const DataPage = lazy(() => import('./pages/data/DataPage'));
const ImportPage = lazy(() => import('./pages/data/ImportPage'));
const DatasetPage = lazy(() => import('./pages/data/DatasetPage'));
const DerivePage = lazy(() => import('./pages/data/DerivePage'));
const QueuePage = lazy(() => import('./pages/queue/QueuePage'));
const ClusterPage = lazy(() => import('./pages/cluster/ClusterPage'));
const MyAccountPage = lazy(() => import('./pages/account/MyAccountPage'));
const AboutPage = lazy(() => import('./pages/account/AboutPage'));
const NotFoundPage = lazy(() => import('./pages/account/NotFoundPage'));

/** The application. */
export function App() {
  const phase = useLogin((login) => login.phase);
  const mustChange = useLogin((login) => login.user?.must_change_password === true);
  if (phase === 'unknown') return null;
  if (phase === 'out') return <LoginPage />;
  if (mustChange) return <FirstPasswordPage />;
  return (
    <Routes>
      <Route element={<Frame />}>
        <Route index element={<DashboardPage />} />
        <Route path="strategies" element={<StrategiesPage />} />
        <Route path="strategies/new" element={<StrategyEditorPage key="new" />} />
        <Route path="strategies/:id" element={<StrategyEditorPage key="one" />} />
        <Route path="sessions" element={<SessionsPage />} />
        <Route path="sessions/new" element={<StartSessionPage />} />
        <Route path="sessions/:id" element={<SessionPage />} />
        <Route path="sessions/:id/report" element={<ReportPage />} />
        <Route path="sessions/:id/labels" element={<LabelsPage />} />
        <Route path="sessions/:id/evaluation" element={<EvaluationPage />} />
        <Route path="data" element={<DataPage />} />
        <Route path="data/import" element={<ImportPage />} />
        <Route path="data/:id" element={<DatasetPage />} />
        <Route path="data/:id/derive" element={<DerivePage />} />
        <Route path="queue" element={<QueuePage />} />
        <Route path="cluster" element={<ClusterPage />} />
        <Route path="account" element={<MyAccountPage />} />
        <Route path="about" element={<AboutPage />} />
        <Route path="*" element={<NotFoundPage />} />
      </Route>
    </Routes>
  );
}

function Frame() {
  const { pathname } = useLocation();
  useEffect(() => startStream(), []);
  useEffect(() => {
    window.scrollTo(0, 0);
  }, [pathname]);
  return (
    <div className="frame">
      <TopBar />
      <SideNav />
      <main id="content" tabIndex={-1}>
        <ErrorBoundary key={pathname}>
          <Suspense fallback={<Loading lines={8} />}>
            <Outlet />
          </Suspense>
        </ErrorBoundary>
      </main>
      <Toasts />
    </div>
  );
}
