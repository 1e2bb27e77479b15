import { useEffect, useState } from 'react'
import { useRefresh, useSignal } from 'signalpost/react'
import { ConnectionStatus } from './ConnectionStatus'
import { type Income, loadIncomes } from './incomes'

export function IncomeReport() {
  const [incomes, setIncomes] = useState<Income[]>([])
  const [savedBy, setSavedBy] = useState<number>()

  async function load(): Promise<void> {
    setIncomes(await loadIncomes())
  }

  useEffect(() => void load(), [])
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
          {incomes.map(({ time, amount }, index) => (
            <tr key={index}>
              <td>{time}</td>
              <td>{amount}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p role="status">{savedBy && `User ${savedBy} has just saved something.`}</p>
      <ConnectionStatus />
    </>
  )
}
