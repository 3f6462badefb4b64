import { Duplex } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { virtualClock } from '../../base/virtual-clock.ts';
import { createAtLineChannel } from './at-line-channel.ts';
import { AT, STOP, VERSION } from './lora-e5.ts';

function openChannel() {
  const written: string[] = [];
  const lines: string[] = [];
  const stream = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk.toString());
      done();
    },
  });
  const clock = virtualClock();
  const channel = createAtLineChannel({ stream, clock, onLine: (line) => lines.push(line) });
  const arrive = async (text: string): Promise<void> => {
    stream.push(Buffer.from(text, 'latin1'));
    await clock.advance(0);
  };
  return { channel, clock, written, lines, arrive };
}

describe('commands', () => {
  test('wait for the answer of the one before', async () => {
    const { channel, written, arrive } = openChannel();
    const first = channel.command(AT);
    const second = channel.command(VERSION);
    expect(written).toEqual(['AT\r\n']);
    await arrive('+AT: OK\r\n');
    await first;
    expect(written).toEqual(['AT\r\n', 'AT+VER\r\n']);
    await arrive('+VER: 4.0.11\n');
    expect(await second).toBe('4.0.11');
  });

  test('that get no answer fail, and the next one goes on', async () => {
    const { channel, clock, written } = openChannel();
    const first = channel.command(AT).catch((error: Error) => error.message);
    void channel.command(STOP).catch(() => undefined);
    await clock.advance(500);
    expect(await first).toBe('The modem did not answer AT within 500 ms.');
    expect(written.at(-1)).toBe('AT+TEST=STOP\r\n');
  });

  test('that are refused fail with the answer', async () => {
    const { channel, arrive } = openChannel();
    const stopped = channel.command(STOP);
    const refusal = expect(stopped).rejects.toThrow('refused AT+TEST=STOP: +TEST: ERROR(-12)');
    await arrive('+TEST: ERROR(-12)\r\n');
    await refusal;
  });

  test('fail when the port closes', async () => {
    const { channel } = openChannel();
    const waiting = [channel.command(AT), channel.command(VERSION)];
    channel.close();
    for (const command of waiting) await expect(command).rejects.toThrow('port of the modem');
    await expect(channel.command(AT)).rejects.toThrow('port of the modem');
  });
});

describe('lines', () => {
  test('no command waits for are handed on, even in the middle of one', async () => {
    const { channel, lines, arrive } = openChannel();
    const stopped = channel.command(STOP);
    await arrive('\r\n+TEST: RX "40"\r\n+TEST: STO');
    await arrive('P\r\n');
    await stopped;
    expect(lines).toEqual(['+TEST: RX "40"']);
  });

  test('without end are forgotten, and those after them read', async () => {
    const { lines, arrive } = openChannel();
    for (let count = 0; count < 100; count += 1) await arrive('x'.repeat(100));
    await arrive('\r\n+INFO: here\r\n');
    expect(lines.at(-1)).toBe('+INFO: here');
    expect(lines.join('').length).toBeLessThan(4_000);
  });
});
