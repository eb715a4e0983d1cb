import { SeededRandom } from '@prism-net/tables';
import { describe, expect, it } from 'vitest';
import { ClientTable } from './client-table.js';

const table = (capacity: number) => new ClientTable(capacity, new SeededRandom(1));

describe('client table', () => {
  it('gives numbers from 0 in the order of arrival, and the same number again', () => {
    const clients = table(8);
    expect(clients.numberOf(0x0a000002, 4000)).toBe(0);
    // The port belongs to the name, and addresses above 127.x are negative.
    expect(clients.numberOf(0x0a000002, 4001)).toBe(1);
    expect(clients.numberOf(-1062731775, 4000)).toBe(2);
    expect(clients.numberOf(0x0a000002, 4000)).toBe(0);
    expect(clients.size).toBe(3);
    expect(clients.addresses[2]).toBe(-1062731775);
    expect(clients.ports[1]).toBe(4001);
  });

  it('takes no further client when it is full, and keeps those it knows', () => {
    const clients = table(100);
    for (let port = 1; port <= 100; port++) expect(clients.numberOf(7, port)).toBe(port - 1);
    for (let port = 101; port <= 10_000; port++) expect(clients.numberOf(7, port)).toBe(-1);
    for (let port = 1; port <= 100; port++) expect(clients.numberOf(7, port)).toBe(port - 1);
    expect(clients.size).toBe(100);
  });

  it('numbers the replies of each client from 1, and on past 2^31', () => {
    const clients = table(2);
    const first = clients.numberOf(1, 1);
    const second = clients.numberOf(1, 2);
    expect([clients.nextSequence(first), clients.nextSequence(first), clients.nextSequence(second)]).toEqual([1, 2, 1]);
    clients.sequences[first] = 0x7fff_ffff;
    expect(clients.nextSequence(first)).toBe(-0x8000_0000);
    clients.sequences[first] = -1;
    expect(clients.nextSequence(first)).toBe(0);
  });
});
