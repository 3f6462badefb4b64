import { contextBridge, ipcRenderer } from 'electron';
import { createDesktopCapability } from './bridge.ts';

contextBridge.exposeInMainWorld('gatehouse', createDesktopCapability(ipcRenderer));
