import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { useEffect } from 'react';
import { Redirect, Route, Router, Switch } from 'wouter';
import { useHashLocation } from 'wouter/use-hash-location';
import type { Api } from './client/api.ts';
import { ApiContext } from './client/api-context.ts';
import { ErrorBoundary } from './components/error-boundary.tsx';
import { AppFrame } from './components/frame/app-frame.tsx';
import { CataloguePage } from './pages/catalogue/catalogue-page.tsx';
import { ModelPage } from './pages/catalogue/model-page.tsx';
import { DevicePage } from './pages/devices/device-page.tsx';
import { DevicesPage } from './pages/devices/devices-page.tsx';
import { ImportDevicesPage } from './pages/devices/import-devices-page.tsx';
import { RegisterDevicePage } from './pages/devices/register-device-page.tsx';
import { FramesPage } from './pages/frames/frames-page.tsx';
import { GatewaysPage } from './pages/gateways/gateways-page.tsx';
import { NoSessionPage } from './pages/no-session-page.tsx';
import { NotFoundPage } from './pages/not-found-page.tsx';
import { WorkspacePage } from './pages/workspace/workspace-page.tsx';
import type { Watch } from './state/watch.ts';
import { useWatch, WatchContext } from './state/watch-context.ts';
import { cssVariables, theme } from './theme.ts';

function Pages() {
  return (
    <Switch>
      <Route path="/">
        <Redirect to="/frames" replace />
      </Route>
      <Route path="/devices">
        <DevicesPage />
      </Route>
      <Route path="/devices/register">
        <RegisterDevicePage />
      </Route>
      <Route path="/devices/import">
        <ImportDevicesPage />
      </Route>
      <Route path="/devices/:applicationId/:deviceId/:tab?">
        {({ applicationId, deviceId, tab }) => (
          <DevicePage
            key={`${applicationId}/${deviceId}`}
            applicationId={applicationId}
            deviceId={deviceId}
            tab={tab ?? 'overview'}
          />
        )}
      </Route>
      <Route path="/frames/:id?">{({ id }) => <FramesPage selectedId={id} />}</Route>
      <Route path="/gateways/:dialog?">
        {({ dialog }) => <GatewaysPage adding={dialog === 'add'} />}
      </Route>
      <Route path="/catalogue">
        <CataloguePage />
      </Route>
      <Route path="/catalogue/:brandId/:modelId">
        {({ brandId, modelId }) => (
          <ModelPage key={`${brandId}/${modelId}`} brandId={brandId} modelId={modelId} />
        )}
      </Route>
      <Route path="/workspace">
        <WorkspacePage />
      </Route>
      <Route>
        <NotFoundPage />
      </Route>
    </Switch>
  );
}

function Content({ api }: { readonly api: Api }) {
  const unauthorized = useWatch((state) => state.phase === 'unauthorized');
  useEffect(() => {
    // Failing is harmless: the demonstration can also be started from the workspace page.
    api.workspace.openInterface({}).catch(() => undefined);
  }, [api]);
  if (unauthorized) return <NoSessionPage />;
  return (
    <AppFrame>
      <ErrorBoundary>
        <Pages />
      </ErrorBoundary>
    </AppFrame>
  );
}

interface AppProps {
  readonly api: Api;
  readonly watch: Watch;
  /** Nonce for style elements; empty if the server sends none. */
  readonly nonce: string;
}

export function App({ api, watch, nonce }: AppProps) {
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
    >
      <ApiContext value={api}>
        <WatchContext value={watch}>
          <Router hook={useHashLocation}>
            <Notifications position="bottom-right" limit={4} />
            <Content api={api} />
          </Router>
        </WatchContext>
      </ApiContext>
    </MantineProvider>
  );
}
