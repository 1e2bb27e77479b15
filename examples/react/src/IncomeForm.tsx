import { type FormEvent, useState } from 'react'
import { useSendSignal } from 'signalpost/react'
import { ConnectionStatus } from './ConnectionStatus'
import { saveIncome } from './incomes'

export function IncomeForm() {
  const sendSignal = useSendSignal()
  const [outcome, setOutcome] = useState('')

  async function save(event: FormEvent<HTMLFormElement>): Promise<void> {
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
          Amount <input name="amount" type="number" min="1" defaultValue="100" required />
        </label>{' '}
        <button>Save</button> <output id="outcome">{outcome}</output>
      </form>
      <ConnectionStatus />
    </>
  )
}
