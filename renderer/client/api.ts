import { type Client, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-web';
import { Catalogue } from '../../main/api/gen/gatehouse/v1/catalogue_pb.js';
import { DeviceFiles } from '../../main/api/gen/gatehouse/v1/device_files_pb.js';
import { Frames } from '../../main/api/gen/gatehouse/v1/frames_pb.js';
import { Links } from '../../main/api/gen/gatehouse/v1/links_pb.js';
import { Simulator } from '../../main/api/gen/gatehouse/v1/simulator_pb.js';
import { EndDeviceRegistration, Workspace } from '../../main/api/gen/gatehouse/v1/workspace_pb.js';
import { ApplicationRegistry } from '../../main/api/gen/ttn/lorawan/v3/application_services_pb.js';
import {
  AppAs,
  AsEndDeviceRegistry,
} from '../../main/api/gen/ttn/lorawan/v3/applicationserver_pb.js';
import { Configuration } from '../../main/api/gen/ttn/lorawan/v3/configuration_services_pb.js';
import { DeviceRepository } from '../../main/api/gen/ttn/lorawan/v3/devicerepository_pb.js';
import { EndDeviceRegistry } from '../../main/api/gen/ttn/lorawan/v3/end_device_services_pb.js';
import { JsEndDeviceRegistry } from '../../main/api/gen/ttn/lorawan/v3/joinserver_pb.js';
import { NsEndDeviceRegistry } from '../../main/api/gen/ttn/lorawan/v3/networkserver_pb.js';
import { EndDeviceQRCodeGenerator } from '../../main/api/gen/ttn/lorawan/v3/qrcodegenerator_pb.js';
import { EndDeviceRegistrySearch } from '../../main/api/gen/ttn/lorawan/v3/search_services_pb.js';

/** Every service the user interface talks to. */
export interface Api {
  readonly workspace: Client<typeof Workspace>;
  readonly registration: Client<typeof EndDeviceRegistration>;
  readonly frames: Client<typeof Frames>;
  readonly links: Client<typeof Links>;
  readonly simulator: Client<typeof Simulator>;
  readonly applications: Client<typeof ApplicationRegistry>;
  readonly devices: Client<typeof EndDeviceRegistry>;
  readonly deviceFiles: Client<typeof DeviceFiles>;
  readonly qrCodes: Client<typeof EndDeviceQRCodeGenerator>;
  readonly deviceSearch: Client<typeof EndDeviceRegistrySearch>;
  readonly nsDevices: Client<typeof NsEndDeviceRegistry>;
  readonly jsDevices: Client<typeof JsEndDeviceRegistry>;
  readonly asDevices: Client<typeof AsEndDeviceRegistry>;
  readonly appAs: Client<typeof AppAs>;
  readonly configuration: Client<typeof Configuration>;
  readonly catalogue: Client<typeof DeviceRepository>;
  readonly catalogueImports: Client<typeof Catalogue>;
}

export function createApi(transport: Transport): Api {
  return {
    workspace: createClient(Workspace, transport),
    registration: createClient(EndDeviceRegistration, transport),
    frames: createClient(Frames, transport),
    links: createClient(Links, transport),
    simulator: createClient(Simulator, transport),
    applications: createClient(ApplicationRegistry, transport),
    devices: createClient(EndDeviceRegistry, transport),
    deviceFiles: createClient(DeviceFiles, transport),
    qrCodes: createClient(EndDeviceQRCodeGenerator, transport),
    deviceSearch: createClient(EndDeviceRegistrySearch, transport),
    nsDevices: createClient(NsEndDeviceRegistry, transport),
    jsDevices: createClient(JsEndDeviceRegistry, transport),
    asDevices: createClient(AsEndDeviceRegistry, transport),
    appAs: createClient(AppAs, transport),
    configuration: createClient(Configuration, transport),
    catalogue: createClient(DeviceRepository, transport),
    catalogueImports: createClient(Catalogue, transport),
  };
}

/** Services on the origin that served this page; the session cookie goes along by itself. */
export function createPageApi(origin: string): Api {
  return createApi(createConnectTransport({ baseUrl: origin, useBinaryFormat: true }));
}
