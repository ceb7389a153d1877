/**
 * Several copies of tfjs-native can be loaded in one process too: nested in node_modules, or evaluated again by a
 * test runner. The first one registers the backend, and those of the same version share it.
 */
import { join } from 'node:path';
import { nativeError } from '../errors';
import { ownVersion } from './versions';

const folder = join(__dirname, '..', '..');
const key = Symbol.for('tfjs-native');
type Holder = { [key]?: { readonly version: string; readonly folder: string } };

/**
 * Calls `register`, if this is the first copy of this realm.
 * @throws TfjsNativeError COPY_MISMATCH if a copy of another version was first
 */
export function registerOnce(register: () => void): void {
  const holder = globalThis as Holder;
  const first = holder[key];
  if (first === undefined) {
    register();
    holder[key] = { version: ownVersion, folder };
  } else if (first.version !== ownVersion) {
    throw nativeError('COPY_MISMATCH', first.version, first.folder, ownVersion, folder);
  }
}
