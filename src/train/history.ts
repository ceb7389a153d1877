/** The epochs of a training as files: `history.jsonl` and `history.csv`. */
import { writeFiles } from '../io/write-files';
import type { EpochEvent } from './events';

/** Writes all epochs so far, in place of what was there. */
export async function writeHistory(folder: string, history: readonly EpochEvent[]): Promise<void> {
  const rows = history.map(({ event: _, ...row }) => row);
  const names = Object.keys(rows[0] ?? {}) as (keyof (typeof rows)[0])[];
  const lines = [names.join(','), ...rows.map((row) => names.map((name) => row[name]).join(','))];
  await writeFiles(folder, {
    'history.jsonl': [rows.map((row) => `${JSON.stringify(row)}\n`).join('')],
    'history.csv': [`${lines.join('\n')}\n`],
  });
}
