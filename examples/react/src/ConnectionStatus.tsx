import { useSignalStatus } from 'signalpost/react'

export function ConnectionStatus() {
  const { state } = useSignalStatus({ grace: 1500 })
  return (
    <footer>
      Connection: <output id="status">{state}</output>
    </footer>
  )
}
