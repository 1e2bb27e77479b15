import { useSendSignal } from 'signalpost/solid'
import { createSignal, type JSX } from 'solid-js'
import { ConnectionStatus } from './ConnectionStatus'
import { saveIncome } from './incomes'

export function IncomeForm() {
  const sendSignal = useSendSignal()
  const [outcome, setOutcome] = createSignal('')

  const save: JSX.EventHandler<HTMLFormElement, SubmitEvent> = async (event) => {
    event.preventDefault()
    await saveIncome(Number(new FormData(event.currentTarget).get('amount')))
    const result = await sendSignal('ReportIncome', { userId: 123 })
    setOutcome(result.outcome)
  }

  return (
    <>
      <h1>New income</h1>
      <p>
        Open the{' '}
        <a href="/report.html" target="_blank">
          report
        </a>{' '}
        in other tabs, then save something here.
      </p>
      <form onSubmit={save}>
        <label>
          Amount <input name="amount" type="number" min="1" value="100" required />
        </label>{' '}
        <button>Save</button> <output id="outcome">{outcome()}</output>
      </form>
      <ConnectionStatus />
    </>
  )
}
