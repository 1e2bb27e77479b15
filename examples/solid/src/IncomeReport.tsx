import { useRefresh, useSignal } from 'signalpost/solid'
import { createSignal, For, Show } from 'solid-js'
import { ConnectionStatus } from './ConnectionStatus'
import { type Income, loadIncomes } from './incomes'

export function IncomeReport() {
  const [incomes, setIncomes] = createSignal<Income[]>([])
  const [savedBy, setSavedBy] = createSignal<number>()

  async function load(): Promise<void> {
    setIncomes(await loadIncomes())
  }

  void load()
  useRefresh('ReportIncome', load)
  useSignal('ReportIncome', ({ userId }) => setSavedBy(userId))

  return (
    <>
      <h1>Income report</h1>
      <table>
        <thead>
          <tr>
            <th>Time</th>
            <th>Amount</th>
          </tr>
        </thead>
        <tbody>
          <For each={incomes()}>
            {({ time, amount }) => (
              <tr>
                <td>{time}</td>
                <td>{amount}</td>
              </tr>
            )}
          </For>
        </tbody>
      </table>
      <p role="status">
        <Show when={savedBy()}>{(userId) => `User ${userId()} has just saved something.`}</Show>
      </p>
      <ConnectionStatus />
    </>
  )
}
